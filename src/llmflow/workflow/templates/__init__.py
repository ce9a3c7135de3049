"""Texts with variables in them: `{{#node.name#}}`, and Jinja in a sandbox."""
