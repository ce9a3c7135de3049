"""Chunkers: a document's elements to passages of bounded size."""
