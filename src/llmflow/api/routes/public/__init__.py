"""What strangers may ask of a public page: its looks, answers, their own conversations. `surface` puts it together.

Nothing here knows of keys or of the console's session. `visit` says which page and which visitor a request is of,
`limits` how much each may ask, `asking` answers, `history` gives visitors their own conversations back.
"""
