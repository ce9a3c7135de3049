"""A question to an answer over knowledge: `answer` leads; the other files are its steps."""
