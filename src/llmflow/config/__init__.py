"""Configuration: `settings` is the one table of every key, `load` the only reader of YAML and the environment."""
