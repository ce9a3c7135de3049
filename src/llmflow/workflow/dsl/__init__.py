"""Dify's DSL in and out, without loss.

`read` turns text into a tree, `document` says what is in it, `write` turns it into text again; the tree keeps all it
came with. `version` is Dify's rule for older and newer files. `bindings` maps data sets and models to ours, `report`
says of each node whether it runs here as it does there, `diff` compares two versions. `secrets` hides and empties.
"""
