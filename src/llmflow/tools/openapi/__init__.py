"""Tools out of OpenAPI documents (Swagger 2.0, OpenAPI 3.0 and 3.1; JSON or YAML), whoever wrote them.

`read` makes a document a tree, `references` follows its $refs, `schemas` writes a schema out, bounded and flat,
`operations` compiles each operation to what a call needs, and `describe` puts it together: what is in a document, with
what could not be made a tool and why. `call` asks an operation's server. `collections` keeps documents as collections
of tools, with one sealed credential each.
"""
