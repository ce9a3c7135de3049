"""The readable text of a web page, as Markdown: what its author wrote, without menus, scripts and forms."""

from __future__ import annotations

import re

from lxml import etree, html

_LEFT_OUT = frozenset(
    "script style noscript template svg canvas iframe object form button select nav footer aside head dialog".split()
)
_BLOCKS = frozenset(
    "p div section article main header figure figcaption blockquote pre ul ol dl dt dd table h1 h2 h3 h4 h5 h6 hr"
    " address details summary body".split()
)
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_LEAST_MAIN = 200  # characters; a `main` with less is no page's text


def readable(page: str) -> str:
    """The title, and the text of the page's main part where it names one; "" of a page without text."""
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        root = html.document_fromstring(page.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):  # nothing in it
        return ""
    named = [_text(part) for part in root.xpath("//main | //article | //*[@role='main']")[:20]]
    text = max((part for part in named if len(part) >= _LEAST_MAIN), key=len, default="") or _text(root)
    title = " ".join((root.findtext(".//title") or "").split())
    return f"# {title}\n\n{text}".strip() if title and title not in text[:500] else text


def _text(part: html.HtmlElement) -> str:
    found: list[str] = []
    left_out = 0  # elements around, it among them, that are not shown
    for event, element in etree.iterwalk(part, events=("start", "end")):
        tag = element.tag if isinstance(element.tag, str) else ""
        if event == "start":
            left_out += _is_left_out(tag, element)
            if not left_out:
                found += (_before(tag), _inline(element.text))
            continue
        if not left_out and tag in _BLOCKS:
            found.append("\n\n")
        left_out -= _is_left_out(tag, element)
        if not left_out and element is not part:
            found.append(_inline(element.tail))
    return _tidied("".join(found))


def _is_left_out(tag: str, element: html.HtmlElement) -> bool:
    return tag in _LEFT_OUT or "hidden" in element.attrib or element.get("aria-hidden") == "true"


def _before(tag: str) -> str:
    if tag in _HEADINGS:
        return "\n\n" + _HEADINGS[tag]
    if tag in _BLOCKS:
        return "\n\n"
    return {"br": "\n", "tr": "\n", "li": "\n- ", "td": " | ", "th": " | "}.get(tag, "")


def _inline(text: str | None) -> str:
    return re.sub(r"\s+", " ", text) if text else ""


def _tidied(text: str) -> str:
    lines = [line.strip().removeprefix("| ") for line in re.sub(r"[ \t]+", " ", text).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line for line in lines if line not in ("-", "#", "|"))).strip()
