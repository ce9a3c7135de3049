"""Runs of workflows: `runs` starts and follows them, `reruns` takes them up again."""
