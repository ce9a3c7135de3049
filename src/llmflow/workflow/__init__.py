"""Workflows. `dsl` reads and writes their designs as Dify's files say them."""
