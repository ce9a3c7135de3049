"""Addresses that start workflows when other systems call them; each with a secret of its own."""
