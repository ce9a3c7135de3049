"""Is anything that was found relevant? Else the honest answer is "I do not know".

The cosines of an embedding model sit in a narrow band of its own (multilingual-e5: 0.7-0.9 for anything), so none is
compared with a constant. The best hit's cosine is measured against those of plain sentences about nothing in
particular, in the question's language: its `nearness` is the share of the way from their mean to 1. That works for a
base of one passage as well as for one where everything is about the same subject, where standing out of the other
candidates says nothing. To it comes the share of the question's terms, weighted by their rarity among the candidates,
that the best passages have.

The weight of the terms and CERTAIN come from a logistic regression on TyDi questions (Korean and English) asked of
small bases with and without their passage. 97 % (Korean) and 99 % (English) of the questions whose passage is there
are CERTAIN, and 23 % and 30 % of those asked of 60 passages on one other subject, 2 % where the base is tiny
(benchmarks/honest_answers.py). Cosines do not see that a passage is missing among others of its own subject, and a
question in other words than its passage's scores like one on another subject; so between the limits the answer is "I
do not know", with what is nearest.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import fmean

from llmflow.apps.answers.bags import Bags
from llmflow.apps.answers.compare import Compare
from llmflow.knowledge.terms import query_terms
from llmflow.knowledge.types import Found

CERTAIN = 0.383
POSSIBLE = 0.20
_TERMS_WEIGHT = 0.119  # against 1 for nearness
_LOOKED_AT = 5  # passages at the top, of which one must have the terms
_CODE = re.compile(r"(?=.*[a-z])(?=.*\d)")  # HR-500, iso9001: without it, no passage is about it

_NOTHING_IN_PARTICULAR = {
    "ko": (
        "오늘 저녁에는 비가 그치고 내일은 대체로 맑겠습니다.",
        "냄비에 물을 붓고 감자와 양파를 넣어 약한 불에서 끓입니다.",
        "이 노래는 발매 첫 주에 음원 순위 1위에 올랐다.",
        "열차는 매시 정각에 2번 승강장에서 출발한다.",
        "의사는 환자에게 약을 하루 세 번 먹으라고 했다.",
        "두 팀은 연장전 끝에 무승부를 기록했다.",
        "학생들은 여름 방학 동안 책을 세 권씩 읽었다.",
        "회사는 올해 매출이 작년보다 늘었다고 밝혔다.",
        "이 강은 북쪽 산에서 시작되어 남쪽 바다로 흐른다.",
        "설치하려면 파일을 내려받아 실행한 뒤 안내를 따르십시오.",
        "왕은 성을 쌓고 이웃 나라와 조약을 맺었다.",
        "신청서는 다음 달 말까지 창구에 내면 됩니다.",
    ),
    "en": (
        "Rain will end this evening and tomorrow will be mostly sunny.",
        "Pour water into the pot, then add potatoes and an onion and simmer.",
        "The song reached the top of the chart in its first week.",
        "The train leaves from platform two every hour on the hour.",
        "The doctor told the patient to take the medicine three times a day.",
        "The two teams drew after extra time.",
        "The students read three books each over the summer holidays.",
        "The company said its sales grew compared with last year.",
        "The river rises in the northern mountains and flows into the southern sea.",
        "To install it, download the file, run it and follow the instructions.",
        "The king built a castle and made a treaty with his neighbours.",
        "Hand in the form at the counter by the end of next month.",
    ),
}


class Verdict(Enum):
    NOTHING = "nothing"
    POSSIBLE = "possible"
    CERTAIN = "certain"


@dataclass(frozen=True, slots=True)
class Evidence:
    """`nearness` and `coverage`: 0..1, see above; `has_codes`: every code the question names is in some passage."""

    nearness: float
    coverage: float
    has_codes: bool

    @property
    def score(self) -> float:
        return self.nearness + _TERMS_WEIGHT * self.coverage

    @property
    def verdict(self) -> Verdict:
        if self.score < POSSIBLE:
            return Verdict.NOTHING
        return Verdict.CERTAIN if self.score >= CERTAIN and self.has_codes else Verdict.POSSIBLE


async def weigh(question: str, language: str, found: Sequence[Found], bags: Bags, compare: Compare) -> Evidence:
    """`found`: the candidates of a search, best first; `bags`: their terms."""
    asked = query_terms(question)
    weights = {term: _rarity(sum(1 for bag in bags if term in bag), len(bags)) for term in asked}
    whole = sum(weights.values())
    covered = [sum(w for t, w in weights.items() if t in bag) / whole if whole else 0.0 for bag in bags[:_LOOKED_AT]]
    cosines = [hit.scores.dense for hit in found if hit.scores.dense is not None]
    nearness = 0.0
    if cosines:
        plain = _NOTHING_IN_PARTICULAR.get(language, _NOTHING_IN_PARTICULAR["en"])
        usual = fmean(await compare(question, plain))
        nearness = (max(cosines) - usual) / (1.0 - usual) if usual < 1.0 else 0.0
    codes = [term for term in asked if _CODE.match(term)]
    return Evidence(
        nearness,
        max(covered, default=0.0),
        all(any(code in bag for bag in bags) for code in codes),
    )


def _rarity(having: int, pool: int) -> float:
    """BM25's idf over the candidates."""
    return math.log(1 + (pool - having + 0.5) / (having + 0.5))
