"""Tools: what a workflow's node and an agent may call by name, whoever provides it.

`types` has the nouns. A `Toolbox` (toolbox) finds tools in its sources: those of this package (`builtin/`), one module
for each of Dify's providers of the same name. A `Kit` (kit) is the toolbox as one run sees it: a call gets from its
`Scope` all that it may reach. `arguments` fits what a model or a template gave to a tool's JSON schema.
"""
