"""Every node type that a design of Dify may hold, by type and version, with what it does there."""

from __future__ import annotations

#: In the order of Dify's editor. "variable-assigner" is the older name of the variable-aggregator.
DIFY_TYPES: dict[tuple[str, str], str] = {
    ("start", "1"): "Takes the inputs of a run",
    ("trigger-webhook", "1"): "Starts a run when an address is called",
    ("trigger-schedule", "1"): "Starts a run at a time",
    ("trigger-plugin", "1"): "Starts a run at an event of a plugin",
    ("llm", "1"): "Asks a language model",
    ("knowledge-retrieval", "1"): "Finds passages in data sets",
    ("answer", "1"): "Says something in a chat",
    ("end", "1"): "Names the outputs of a run",
    ("agent", "1"): "Lets a model use tools until it is done",
    ("agent", "2"): "Calls an agent of the roster",
    ("question-classifier", "1"): "Takes the branch that a model chooses",
    ("if-else", "1"): "Takes the branch whose conditions hold",
    ("human-input", "1"): "Waits for a person's answer to a form",
    ("human-input", "2"): "The same, with recipients by their contacts",
    ("iteration", "1"): "Runs its inside for each item of a list",
    ("iteration-start", "1"): "Where the inside of an iteration begins",
    ("loop", "1"): "Runs its inside again and again",
    ("loop-start", "1"): "Where the inside of a loop begins",
    ("loop-end", "1"): "Leaves a loop",
    ("code", "1"): "Runs Python or JavaScript",
    ("template-transform", "1"): "Fills a Jinja template",
    ("variable-aggregator", "1"): "Takes the value of the branch that was run",
    ("variable-assigner", "1"): "The older name of variable-aggregator",
    ("document-extractor", "1"): "Turns files into text",
    ("assigner", "1"): "Writes a variable of the conversation",
    ("assigner", "2"): "Writes several variables",
    ("parameter-extractor", "1"): "Lets a model find parameters in a text",
    ("http-request", "1"): "Calls an address",
    ("list-operator", "1"): "Filters, sorts and cuts a list",
    ("tool", "1"): "Calls a tool of a plugin, an API or a workflow",
    ("datasource", "1"): "Fetches documents, in a pipeline of knowledge",
    ("knowledge-index", "1"): "Writes passages to a data set, in a pipeline of knowledge",
}
