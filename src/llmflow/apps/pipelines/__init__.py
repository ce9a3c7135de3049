"""Pipelines of knowledge: apps that read and cut the documents of one base each.

- `pipelines`: what a base's pipeline is, and the runs that read its documents
- `readings`: documents as they were read, until their passages are found in them
- `making`: the base of an imported pipeline
"""
