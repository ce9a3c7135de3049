"""Which language a text is in, as far as LLMFlow treats languages differently."""

from __future__ import annotations

import re

_HANGUL = re.compile(r"[\uac00-\ud7a3\u3131-\u318e\u1100-\u11ff]")
_LATIN = re.compile(r"[A-Za-z]")


def language_of(text: str) -> str:
    """ "ko", "en" or "" by counting letters. One Hangul syllable says as much as about three Latin letters, so a
    Korean sentence full of English product names is still Korean."""
    sample = text[:4000]
    hangul = len(_HANGUL.findall(sample))
    latin = len(_LATIN.findall(sample))
    if hangul * 3 >= latin and hangul:
        return "ko"
    return "en" if latin else ""
