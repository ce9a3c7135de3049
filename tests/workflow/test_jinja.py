"""The Jinja sandbox: honest templates work, hostile ones end soon and small."""

from __future__ import annotations

import resource
import time
from typing import Any

import pytest

from llmflow.config.settings import Workflow
from llmflow.errors import NodeFailed
from llmflow.workflow.templates.jinja import check, render, render_aside
from llmflow.workflow.types import NotQuick

LIMITS = Workflow(template_characters=100_000, template_ms=500)


@pytest.mark.parametrize(
    ("source", "values", "text"),
    [
        ("안녕, {{ name }}!", {"name": "세계"}, "안녕, 세계!"),
        (
            "{% for x in xs %}{{ loop.index }}/{{ loop.length }} {{ x }}{{ '' if loop.last else ', ' }}{% endfor %}",
            {"xs": ["가", "나"]},
            "1/2 가, 2/2 나",
        ),
        ("{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", {"d": {"a": 1, "b": 2}}, "a=1;b=2;"),
        ("{{ xs | map(attribute='n') | join(', ') }}", {"xs": [{"n": "김"}, {"n": "이"}]}, "김, 이"),
        ("{{ text | replace('a', 'b') | upper | trim }}", {"text": " banana "}, "BBNBNB"),
        ("{{ d | tojson }}", {"d": {"한글": [1, 2]}}, '{"\\ud55c\\uae00": [1, 2]}'),
        ("{{ missing }}|{{ missing or 'none' }}|{{ missing | default('기본') }}", {}, "|none|기본"),
        (
            "{% set total = namespace(n=0) %}{% for x in xs %}{% set total.n = total.n + x %}{% endfor %}{{ total.n }}",
            {"xs": [1, 2, 3]},
            "6",
        ),
        ("{% macro greet(who) %}<{{ who }}>{% endmacro %}{{ greet('a') }}{{ greet('b') }}", {}, "<a><b>"),
        (
            "{{ 'ab' * 3 }} {{ 2 ** 10 }} {{ 7 % 4 }} {{ 'a' ~ 1 ~ 'b' }} {{ '%05d' % 42 }}",
            {},
            "ababab 1024 3 a1b 00042",
        ),
        ("{{ range(3) | list }} {{ 'x,y'.split(',') }} {{ '{:>4}'.format('a') }}", {}, "[0, 1, 2] ['x', 'y']    a"),
        ("{% for x in xs %}{% if x == 2 %}{% break %}{% endif %}{{ x }}{% endfor %}", {"xs": [1, 2, 3]}, "1"),
        (
            "{% for x in xs recursive %}{{ x.n }}{% if x.c %}({{ loop(x.c) }}){% endif %}{% endfor %}",
            {"xs": [{"n": 1, "c": [{"n": 2, "c": []}]}]},
            "1(2)",
        ),
        ("{{ xs[0].name }} {{ xs | length }} {{ xs | first | tojson }}", {"xs": [{"name": "a"}]}, 'a 1 {"name": "a"}'),
        (
            "{{ text[:2] }} {{ n | round(1) }} {{ n | int }} {{ big | int + 1 }}",
            {"text": "가나다", "n": 2.55, "big": 123456789},
            "가나 2.5 2 123456790",
        ),
        ("{% set a %}{{ x }}!{% endset %}{{ a }}{{ a }}", {"x": "ㅎ"}, "ㅎ!ㅎ!"),
        ("{{ xs | groupby('k') | map('first') | join }}", {"xs": [{"k": "b"}, {"k": "a"}]}, "ab"),
    ],
)
def test_an_honest_template_gives_its_text(source: str, values: dict[str, Any], text: str) -> None:
    assert render(source, values, LIMITS) == text


def _nested(last: str, made: str = "[ns.s, ns.s]") -> str:
    """Small to hold, endless to print."""
    return f"{{% set ns = namespace(s=['a']) %}}{{% for i in range(60) %}}{{% set ns.s = {made} %}}{{% endfor %}}{last}"


BOMBS = [
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}",
    "{{ 'a' * 10**9 }}",
    "{{ 'a' * 1000000000 }}",
    "{{ [1] * 1000000000 }}",
    "{{ 10 ** 10 ** 10 }}",
    "{% set ns = namespace(s='aaaaaaaaaa') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
    "{% set ns = namespace(s='aaaaaaaaaa') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
    "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
    "{% set ns = namespace(n=99) %}{% for i in range(60) %}{% set ns.n = ns.n * ns.n %}{% endfor %}",
    "{% set ns = namespace(s='a') %}{% for i in range(60) %}{% set ns.s %}{{ ns.s }}{{ ns.s }}{% endset %}{% endfor %}",
    "{% set ns = namespace(s='a') %}{% for i in range(60) %}{% set ns.s = ns.s | replace('a', 'aa') %}{% endfor %}",
    "{% set ns = namespace(s='a') %}{% for i in range(60) %}{% set ns.s = ns.s.replace('a', 'aa') %}{% endfor %}",
    "{% set ns = namespace(s='a,a') %}{% for i in range(60) %}{% set ns.s = ns.s.join([ns.s, ns.s]) %}{% endfor %}",
    "{% set ns = namespace(s='a') %}{% for i in range(60) %}{% set ns.s = '{0}{0}'.format(ns.s) %}{% endfor %}",
    "{% set ns = namespace(s='a') %}{% for i in range(60) %}{% set ns.s = '%s%s' % (ns.s, ns.s) %}{% endfor %}",
    "{% set ns = namespace(s='a') %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] | join %}{% endfor %}",
    _nested("{{ ns.s }}"),
    _nested("{{ ns.s|tojson }}"),
    _nested("{{ ns.s ~ '' }}"),
    _nested("{{ '%s' % ns.s }}"),
    _nested("{{ ns.s | upper }}"),
    _nested("{{ ns.s == ns.s | list }}"),
    _nested("{{ ns.s }}", "{'a': ns.s, 'b': ns.s}"),
    "{{ 'a' | center(1000000000) }}",
    "{{ 'a'.center(1000000000) }}",
    "{{ 'a'.ljust(1000000000) }}{{ 'a'.zfill(1000000000) }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '%*d' % (1000000000, 1) }}",
    "{{ '{:1000000000}'.format(1) }}",
    "{{ '{:{}}'.format(1, 1000000000) }}",
    "{{ '%1000000000d' | format(1) }}",
    "{{ 'a\n' * 1000 | indent(1000000000) }}",
    "{{ [1] | batch(1000000000, 1) | list }}",
    "{{ [1] | slice(1000000000) | list }}",
    "{{ [1, 2] | tojson(indent=1000000000) }}",
    "{{ 1.5 | round(1000000000) }}",
    "{{ 1 | round(1000000000, 'ceil') }}",
    "{{ 1 | round(-1000000000) }}",
    "{{ ('{0:가>9999}' * 9000).format('') }}",
    "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ lipsum(n=100000) }}",
    "{{ range(99999) | map('string') | map('center', 9999) | list | length }}",
    "{% for i in range(99999) %}{{ range(99999) | sum }}{% endfor %}",
    "{{ range(99999) | batch(2, range(99999) | list) | list | length }}",
    "{% set a = [1] * 2 %}{% set b = [a, a] * 99 %}{{ ([b] * 99 + [b] * 99) * 99 }}",
    "{% for i in range(99999) %}{% set x = range(99999) | list %}{% endfor %}",
    "{% for i in range(99999) %}{% set x = range(99999) | sort %}{% endfor %}",
    "{% for i in range(99999) %}{% set x = range(99999) | join %}{% endfor %}",
    "{% for i in range(99999) %}{% set x = 99998 in range(99999) | list %}{% endfor %}",
    "{% filter upper %}{% for i in range(99999) %}{{ 'x' * 1000 }}{% endfor %}{% endfilter %}",
    "{{ '\\x00' * 99999 ~ '\\x00' * 99999 }}",
    "{{ ''.join(['a' * 9999] * 9999) }}",
    "{{ (1, 2) * 999999999 }}",
    "{{ 'a'.encode('utf-8') * 999999999 }}",
    "{{ 'a\\t'.expandtabs(999999999) }}",
    "{{ (1).to_bytes(999999999, 'big') }}",
    "{{ 'abc'.translate({97: 'a' * 99999}) }}",
    "(" * 5000 + "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{{ " + "[" * 500 + "]" * 500 + " }}",
    "{% for a in range(9) %}" * 30 + "{% endfor %}" * 30,
    "{% if 1 %}" * 200 + "{% endif %}" * 200,
]


@pytest.mark.parametrize("source", BOMBS)
def test_a_bomb_ends_soon_and_small(source: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    try:
        text = render(source, {}, LIMITS)
    except NodeFailed as error:
        assert error.code in ("template_limit", "template_failed")
    else:
        assert len(text) <= LIMITS.template_characters
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KB
    assert time.process_time() - began < 20  # hours, were it not stopped


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ ''['__class__'] }}",
        "{{ x.__init__.__globals__ }}",
        "{{ self.__init__.__globals__ }}",
        "{{ self._TemplateReference__context.environment }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ '{0.__class__}'.format(1) }}",
        "{{ ''|attr('__class__') }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{{ xs.append(1) }}",
        "{{ d.update({'a': 2}) }}",
        "{{ ''.format_map({}) }}",
        "{{ namespace.__init__ }}",
        "{{ range.__class__ }}",
        "{{ (x for x in []) }}",
        "{{ 'x'.mro() }}",
        "{{ environment }}{{ context }}{{ x.gi_frame }}{{ xs.__len__ }}",
    ],
)
def test_the_way_to_pythons_insides_is_closed(source: str) -> None:
    values = {"x": 1, "xs": [1], "d": {"a": 1}}
    try:
        text = render(source, values, LIMITS)
    except NodeFailed as error:
        assert error.code == "template_failed"
    else:
        assert not any(word in text for word in ("class", "globals", "root:", "wrapper"))
    assert values == {"x": 1, "xs": [1], "d": {"a": 1}}


async def test_a_template_that_takes_its_time_goes_on_beside_the_loop() -> None:
    source = "{% for i in range(60000) %}{% for x in xs %}{% endfor %}{% endfor %}done"
    with pytest.raises(NotQuick):
        render(source, {"xs": [1]}, Workflow(template_ms=60_000), milliseconds=1)
    assert await render_aside(source, {"xs": [1]}, Workflow(template_ms=60_000)) == "done"


def test_a_syntax_error_is_named_before_the_run() -> None:
    assert "endfor" in check("{% for x in xs %}")
    assert check("{{ ok }}") == ""


def test_a_failing_template_says_what_failed() -> None:
    with pytest.raises(NodeFailed, match="modulo by zero") as caught:
        render("{{ 1 // 0 }}", {}, LIMITS)
    assert caught.value.code == "template_failed"
