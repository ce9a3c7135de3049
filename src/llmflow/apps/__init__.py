"""Apps: what a team makes and its people use. `room` puts it together; `apps` are the apps themselves.

- `answers/`: a question to an answer over knowledge, with what it rests on
- `chat/`: conversations, and the questions, files and opinions in them
- `designs/`: the graphs of apps: drafts, versions, import and export
- `runs/`: runs of workflows, and runs taken up again
- `sites` are the pages that show an app to strangers; `log` is how anything under way is followed
"""
