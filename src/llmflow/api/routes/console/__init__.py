"""The console API (/api/v1), for Studio and the command line: one file per noun."""
