"""Follow-up questions: "And for the HR-300?" is searched together with the question before it."""

from __future__ import annotations

import re
import unicodedata

from llmflow.knowledge.terms import query_terms, terms

_FEW_TERMS = 2
_ENGLISH = re.compile(
    r"\b(?:it|its|they|them|their|those|these|he|she|his|her|ones)\b"
    r"|\bthis\b(?! (?:year|quarter|month|week|morning|afternoon|evening))"
    # "that" stands for something at the end, at the start and behind these words; elsewhere it joins clauses.
    r"|\bthat\b(?=\s*[?.!,]?\s*$)"
    r"|(?:^|\b(?:is|was|does|do|did|can|will|has|for|of|in|on|at|about|with|to|by|from|after|before|and) )that\b"
    r"|\bone\b(?=\s*[?.!,]?\s*$)|\b(?:the|this|that|which|another) one\b(?! (?:of|who)\b)|\bthe same\b"
    r"|(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bwere )\bthere\b(?! (?:is|are|was|were)\b)"
    r"|^(?:and|but|or|so|also|then|what if)\b",
    re.IGNORECASE,
)
_KOREAN = re.compile(
    r"(?:^|\s)(?:그|이|저)(?:것|거|건|게|걸|때|럼|러면|런데|리고|들|\s)"
    r"|(?:^|\s)(?:그중|그분|그곳|이곳|거기|여기|그럼|그러면|그런데|그리고|해당)"
)
#: What points at something said before, and how many words of content may stand beside it: with more, the question
#: says itself what it is about. A Korean pointer hardly ever means something in its own sentence, English ones do.
_POINTING = (
    (_ENGLISH, 3),
    (_KOREAN, 5),
    (re.compile(r"(?:은|는)\s*(?:요)?\s*\?$"), 2),
    (re.compile(r"^(?:what|how) about\b", re.IGNORECASE), 6),
)


def search_text(question: str, previous: str | None) -> str:
    """What to search for: the question, with the previous one before it when it does not stand alone."""
    if not previous or not is_follow_up(question):
        return question
    return f"{previous}\n{question}"


def is_follow_up(question: str) -> bool:
    """Short, or pointing at something said before and saying little besides."""
    question = unicodedata.normalize("NFC", question.strip())
    if len(query_terms(question)) <= _FEW_TERMS:
        return True
    return any(found.search(question) and _words(found.sub(" ", question)) <= most for found, most in _POINTING)


def _words(text: str) -> int:
    """How many have content; "HR-300" is one."""
    content = set(query_terms(text))
    return sum(1 for word in text.split() if not content.isdisjoint(terms(word)))
