"""Korean verbs at the end of a sentence, and what goes on with a sentence that seemed to end."""

from __future__ import annotations

import re

_P, _N, _M, _LM, _SS = 17, 4, 16, 10, 20  # final consonants: ㅂ, ㄴ, ㅁ, ㄻ, ㅆ
#: Syllables before 요 that are of a verb; so 필요, 중요, 수요 and 가요 end nothing.
_BEFORE_YO = frozenset("어아여해예에세네군구지나데게대래까려걸든봐줘와돼워져켜쳐셔둬꿔겨러라커퍼내깨마싸빠")
_PLAIN = ("이다", "없다", "않다", "같다", "많다", "좋다", "니다", "싶다")

_ASIDE = r"(?:\([^()\n]{0,40}\)\s?)?"  # "만세!"(萬歲)라고
_FACE = r"[\u1100-\u11ff\u3130-\u318f^~;]"  # ㅠㅠ, ^^
_QUOTING = (
    rf"{_FACE}|싶|이?라고|이?라는|하면서|했[다더던는고지]"
    r"|(?:이다|이었다|였다|이?라[며면던]|이?란|하[고며는]|면서|고|며)(?:[\s,.]|$)"
)
_PARTICLES = r"(?:은|는|이|가|을|를|의|에|에서|에게|와|과|도|등|만|로|으로|나|부터|까지|처럼|인)(?:[\s,.]|$)"
_STRICT = re.compile(rf"{_FACE}|(?:이?라[고며]|며|면서)(?:[\s,.]|$)")  # "고" may be the late
_LOOSE = re.compile(f"{_ASIDE}(?:{_QUOTING})")
_ATTACHED = re.compile(rf"{_ASIDE}(?:{_QUOTING}|{_PARTICLES})")
_ATTACHED_TO_POINT = re.compile(r"(?:이?라[고며는면던]|이?란|하고|고|며|면서|는)(?:[\s,.]|$)")


def _final(syllable: str) -> int:
    """Its final consonant, as a number; 0: none, -1: it is no syllable."""
    return (ord(syllable) - 0xAC00) % 28 if "가" <= syllable <= "힣" else -1


def is_polite_end(text: str) -> bool:
    """합니다, 합니까, 해요, 하죠, 인가요."""
    if len(text) < 2:
        return False
    last, other = text[-1], text[-2]
    if last in "다까":
        return other == "니" and len(text) > 2 and _final(text[-3]) == _P
    if last == "요":
        return other in _BEFORE_YO or (other == "가" and len(text) > 2 and _final(text[-3]) == _N)
    return last == "죠" and _final(other) >= 0


def is_plain_end(text: str) -> bool:
    """한다, 했다, 이다: only to be asked where nothing else tells, for 바다 and 보다 look alike."""
    if len(text) < 3 or text[-1] != "다":
        return False
    return _final(text[-2]) in (_N, _SS) or text.endswith(_PLAIN)


def may_trail_off(text: str) -> bool:
    """Whether dots behind it end a sentence: "모르겠다... 그는" are two, "그는... 떠났다" is one."""
    last = text[-1:] or " "
    return last in "다요까죠네지군라자냐걸듯만" or _final(last) in (_M, _LM)


def goes_on(text: str, at: int, *, loosely: bool = False, attached: bool = False) -> bool:
    """Whether what stands at `at` is of the sentence before it, as in "갑니다."라고. `loosely`: behind a quotation, a
    question or a verb; `attached`: without a space."""
    if attached:
        return (_ATTACHED if loosely else _ATTACHED_TO_POINT).match(text, at) is not None
    if not loosely:
        return _STRICT.match(text, at) is not None
    return _LOOSE.match(text, at) is not None
