"""Vector stores: passages searched by meaning and by words. `lancedb` keeps them in a folder of this machine."""
