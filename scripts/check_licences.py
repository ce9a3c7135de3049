"""Check that nothing LLMFlow is installed with is under a licence that would bind its users.

    python scripts/check_licences.py [--lock requirements.lock]

Reads what each installed distribution of the lock file says about its own licence. GPL, AGPL, SSPL, BUSL and other
source-available licences fail; LGPL is allowed (linked, not copied). What is not understood fails too, until a person
has read the licence and added a line to REVIEWED. Exit 0: all clear, 1: something is not.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: SPDX identifiers that may be used without asking.
ALLOWED = frozenset(
    (
        "0BSD",
        "AFL-2.1",
        "AFL-3.0",
        "Apache-2.0",
        "BSD",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "CC0-1.0",
        "CNRI-Python",
        "ISC",
        "LGPL-2.1-only",
        "LGPL-2.1-or-later",
        "LGPL-3.0-only",
        "LGPL-3.0-or-later",
        "MIT",
        "MIT-0",
        "MIT-CMU",
        "MPL-2.0",
        "PSF-2.0",
        "Python-2.0",
        "Unicode-3.0",
        "Unlicense",
        "Zlib",
    )
)

REFUSED = re.compile(
    r"(?<![a-z])a?gpl|gnu (affero )?general public|affero|sspl|server side public|busl|business source"
    r"|elastic(-| )(2\.0|license)|commons.clause|polyform|cc-by-nc|non-?commercial|proprietary",
    re.IGNORECASE,
)

#: What classifiers and free text say, lower case, as SPDX.
ALIASES = {
    "academic free license (afl)": "AFL-3.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "3-clause bsd license": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "bsd license": "BSD",
    "gnu lesser general public license v3 (lgplv3)": "LGPL-3.0-only",
    "gnu lesser general public license v3 or later (lgplv3+)": "LGPL-3.0-or-later",
    "gnu library or lesser general public license (lgpl)": "LGPL-2.1-or-later",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "psfl": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
}

#: Distribution: (what it says, word for word; why it is fine). A line counts only while it still says that.
REVIEWED = {
    "pystemmer": (
        "BSD License; MIT License; MIT, BSD",
        "its own code is MIT, the Snowball stemmers it bundles are BSD-3-Clause",
    ),
    "pypdfium2": (
        "BSD-3-Clause, Apache-2.0, dependency licenses",
        "either licence for the binding; PDFium and what it bundles (FreeType, libjpeg, ICU ...) are permissive",
    ),
    "quickjs-ng": ("", "its LICENSE file and that of the QuickJS-ng it bundles are MIT; the metadata name none"),
}


class Verdict(IntEnum):
    ALLOWED = 0
    UNKNOWN = 1
    REFUSED = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """`says`: the statements that were judged, joined; "" when the distribution says nothing."""

    name: str
    says: str
    verdict: Verdict
    reason: str = ""

    def licence(self) -> str:
        """The licence by its short name, for counting."""
        if self.reason:
            return "reviewed by hand"
        names = {ALIASES.get(statement.lower(), statement) for statement in self.says.split("; ")}
        names -= {"BSD"} if any(name.startswith("BSD-") for name in names) else set()
        return ", ".join(sorted(names)) or "no statement"


def statements(dist: Distribution) -> list[str]:
    """What it says: its SPDX expression; without one, its licence classifiers and the first line of its free text."""
    meta = dist.metadata
    if expressions := meta.get_all("License-Expression"):
        return [expression.strip() for expression in expressions]
    named = [line.split(" :: ")[-1] for line in meta.get_all("Classifier") or [] if line.startswith("License :: ")]
    texts = [line for text in meta.get_all("License") or [] for line in text.strip().splitlines()[:1]]
    said = [statement.strip() for statement in [*named, *texts]]
    return sorted({statement for statement in said if statement not in ("", "OSI Approved", "UNKNOWN")})


def judge(statement: str) -> Verdict:
    """One statement. AND takes the stricter side, OR the milder; what is no expression is refused or unknown."""
    expression = ALIASES.get(statement.lower(), statement)
    tokens = re.findall(r"[()]|[^\s()]+", expression)
    try:
        verdict, rest = _alternatives(tokens)
    except ValueError:
        rest, verdict = tokens, Verdict.UNKNOWN
    if not rest:
        return verdict
    return Verdict.REFUSED if REFUSED.search(statement) else Verdict.UNKNOWN


def _alternatives(tokens: list[str]) -> tuple[Verdict, list[str]]:
    verdict, rest = _conjunction(tokens)
    while rest[:1] == ["OR"]:
        other, rest = _conjunction(rest[1:])
        verdict = min(verdict, other)
    return verdict, rest


def _conjunction(tokens: list[str]) -> tuple[Verdict, list[str]]:
    verdict, rest = _term(tokens)
    while rest[:1] == ["AND"]:
        other, rest = _term(rest[1:])
        verdict = max(verdict, other)
    return verdict, rest


def _term(tokens: list[str]) -> tuple[Verdict, list[str]]:
    """A licence, one WITH an exception (which changes nothing here), or a group. Raises ValueError for neither."""
    match tokens:
        case ["(", *inner]:
            verdict, rest = _alternatives(inner)
            if rest[:1] != [")"]:
                raise ValueError("unbalanced")
            return verdict, rest[1:]
        case [] | [")" | "AND" | "OR" | "WITH", *_]:
            raise ValueError("a licence was expected")
        case [licence, "WITH", _, *rest]:
            return _licence(licence), rest
        case [licence, *rest]:
            return _licence(licence), rest
    raise ValueError("unreachable")


def _licence(identifier: str) -> Verdict:
    if identifier in ALLOWED:
        return Verdict.ALLOWED
    return Verdict.REFUSED if REFUSED.search(identifier) else Verdict.UNKNOWN


def examine(dist: Distribution) -> Finding:
    """One distribution. Several statements must all be allowed; a review settles what is unknown, never a refusal."""
    name = normal(dist.metadata["Name"])
    said = statements(dist)
    says = "; ".join(said)
    verdict = max((judge(statement) for statement in said), default=Verdict.UNKNOWN)
    reviewed, reason = REVIEWED.get(name, ("", ""))
    if verdict is Verdict.UNKNOWN and reason and reviewed == says:
        return Finding(name, says, Verdict.ALLOWED, reason)
    return Finding(name, says, verdict)


def normal(name: str) -> str:
    """A distribution's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(path: Path) -> list[str]:
    """Names of the distributions a lock file pins."""
    return [normal(name) for name in re.findall(r"^([A-Za-z0-9][\w.-]*)==", path.read_text(encoding="utf-8"), re.M)]


def installed(names: Iterable[str]) -> tuple[list[Distribution], list[str]]:
    """The distributions there are, and the names of those that are not installed."""
    found, missing = [], []
    for name in names:
        try:
            found.append(distribution(name))
        except PackageNotFoundError:
            missing.append(name)
    return found, missing


def report(findings: list[Finding], missing: list[str]) -> list[str]:
    """The lines to print."""
    counts = Counter(finding.licence() for finding in findings)
    lines = [f"{count:4d}  {licence}" for licence, count in counts.most_common()]
    lines += [f"Reviewed: {finding.name}: {finding.reason}" for finding in findings if finding.reason]
    if missing:
        lines.append(f"Not installed here, so not judged: {', '.join(missing)}")
    for finding in findings:
        says = finding.says or "nothing about its licence"
        if finding.verdict is Verdict.REFUSED:
            lines.append(f"REFUSED: {finding.name} says: {says}. Replace it, or run it as a process of its own.")
        elif finding.verdict is Verdict.UNKNOWN:
            lines.append(f"UNKNOWN: {finding.name} says: {says}. Read its licence, then add it to REVIEWED.")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description="Check the licences of the locked dependencies.")
    parser.add_argument("--lock", type=Path, default=ROOT / "requirements.lock")
    names = locked(parser.parse_args().lock)
    found, missing = installed(names)
    findings = [examine(dist) for dist in found]
    stale = sorted(set(REVIEWED) - set(names))
    bad = [finding for finding in findings if finding.verdict is not Verdict.ALLOWED]
    print(*report(findings, missing), sep="\n")
    for name in stale:
        print(f"STALE: {name} is in REVIEWED but no longer in the lock file. Remove the line.")
    print(f"{len(findings)} distributions, {len(bad)} not allowed.")
    return 1 if bad or stale or not findings else 0


if __name__ == "__main__":
    sys.exit(main())
