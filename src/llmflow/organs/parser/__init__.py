"""Parsers: files to elements.

`local` is the adapter and runs in the server; `child` is its other half and runs in child processes, where it picks a
reader by what `sniff` finds: `text`, `markdown`, `office` (Unstructured; HTML too), `xml` (OpenDocument too), `mail`,
`pdf` (with `pdf_layout`, `pdf_headings`, `pdf_tables` for ruled tables, `pdf_aligned` for others) and `ocr`. `source`
is what a reader gets, `draft` collects elements, `tables` writes tables.
"""
