"""Blobs: immutable bytes under their SHA-256. `folder` keeps them in a folder of this machine."""
