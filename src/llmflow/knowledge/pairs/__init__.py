"""Questions and answers that a model writes from a document's text: `write` asks it about one part, `writer` about all
of a document and keeps what it said."""
