"""Sources: where a base gets documents by itself, and keeps them as they are there.

types.py     the nouns
folder.py    files of a folder that llmflow.yaml allows
pages.py     a list of addresses on the web (robots.py: what a site lets us read)
bucket.py    objects of an S3-compatible server (sigv4.py signs)
compare.py   one source against its base: new, changed, gone
sources.py   make, change, delete; by hand or by the clock
queries.py   SQL
"""
