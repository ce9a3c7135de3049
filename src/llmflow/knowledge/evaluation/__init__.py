"""Which way of searching finds what it should: questions with the documents that answer them, asked in each way.

`questions` reads them from a file, `expected` finds their documents, `measures` says how good one ranking is, `score`
what a whole run says of each setting, and `evaluations` runs it as a durable job.
"""
