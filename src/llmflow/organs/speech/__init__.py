"""Speech adapters.

openai.py    any server that speaks OpenAI's /v1/audio/transcriptions and /v1/audio/speech
silent.py    the default: none is set up, and whoever asks is told so
scripted.py  hears and speaks bytes, for tests
"""
