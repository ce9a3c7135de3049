"""The command line: one file per command. All but `up` and `doctor` talk to the running server over HTTP."""
