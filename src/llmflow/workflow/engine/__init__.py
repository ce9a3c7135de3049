"""A run from its start to its last event: `schedule` decides, `frame` acts, `replay` remembers."""
