"""The one outgoing HTTP client. Users' addresses are guarded; organs' addresses from llmflow.yaml are not."""
