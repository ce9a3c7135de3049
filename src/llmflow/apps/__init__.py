"""Apps: chat over knowledge, with answers that say what they rest on.

`room` puts it together. A question's way: `chat` keeps it and starts a turn (`turns`), `answer` retrieves, decides
whether anything found is relevant (`relevance`) and lets the model speak (`prompt`, `support`) or quotes (`quote`).
`apps`, `conversations`, `feedback`, `files` and `suggest` are the rest of what Dify's Service API knows of a chat app;
`sites` are the pages that show one to strangers.
"""
