"""What strangers may ask of a public page: its looks, answers, their own conversations. `surface` puts it together.

The paths are those the console has for chat, with less in their answers, so that one chat serves Studio and the page;
an app is named by its page's code. Nothing here knows of keys or of the console's session. `visit` says which page and
which visitor a request is of, `limits` how much each may ask, `asking` answers, `history` gives visitors their own
conversations back.
"""
