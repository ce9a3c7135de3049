"""Follow-up questions: "And for the HR-300?" is searched together with the question before it."""

from __future__ import annotations

import re

from llmflow.knowledge.terms import query_terms

_FEW_TERMS = 2
_POINTING = re.compile(
    r"\b(?:it|its|they|them|their|that|this|those|these|there|then|he|she|his|her|one|ones|same)\b"
    r"|^(?:and|but|or|so|also|what about|how about|what if)\b"
    r"|(?:^|\s)(?:그|이|저)(?:것|거|건|게|걸|때|럼|러면|런데|리고|중|분|곳|들|\s)"
    r"|(?:^|\s)(?:거기|여기|그럼|그러면|그런데|그리고|이건|그건|해당)"
    r"|(?:은|는)\s*(?:요)?\s*\?$",
    re.IGNORECASE,
)


def search_text(question: str, previous: str | None) -> str:
    """What to search for: the question, with the previous one before it when it does not stand alone."""
    if not previous or not is_follow_up(question):
        return question
    return f"{previous}\n{question}"


def is_follow_up(question: str) -> bool:
    """Short, or pointing at something said before."""
    question = question.strip()
    return len(query_terms(question)) <= _FEW_TERMS or bool(_POINTING.search(question))
