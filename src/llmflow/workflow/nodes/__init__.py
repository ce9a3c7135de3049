"""One file for each node type, named after it: its data, its function, its words. `registry` finds them."""
