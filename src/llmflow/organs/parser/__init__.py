"""Parsers: files to elements.

`local` is the adapter and runs in the server; `child` is its other half and runs in child processes, where it picks a
reader by what `sniff` finds: `text`, `markdown`, `html`, `xml`, `office` (Unstructured), `opendocument`, `mail`,
`pdf` (with `pdf_layout` and `pdf_tables`) and `ocr`. `draft` collects elements, `tables` writes tables.
"""
