"""Vector stores: passages searched by meaning and by words. `lancedb` keeps them in a folder of this machine, `milvus`
on a server, `milvus_lite` in a folder by the same client.

`milvus_store` is the port over that client, `milvus_collection` one collection, `milvus_rows` how rows and filters
stand there, `milvus_layout` what llmflow.yaml says of it.
"""
