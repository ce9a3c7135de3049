"""One file a server."""
