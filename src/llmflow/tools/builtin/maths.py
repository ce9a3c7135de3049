"""maths: the value of an expression."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from llmflow.errors import NodeFailed
from llmflow.tools.builtin.make import made
from llmflow.tools.types import Scope, ToolAnswer, Words

Number = int | float

_LONGEST = 1000  # characters; so no expression is deep
_BITS = 4096  # of a whole number; a power is measured before it is made
_CONSTANTS: Mapping[str, float] = {"pi": math.pi, "e": math.e, "tau": math.tau}
_FUNCTIONS: Mapping[str, Callable[..., Number]] = {
    name: getattr(math, name)
    for name in "sqrt exp log log2 log10 log1p expm1 sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh"
    " floor ceil trunc degrees radians hypot".split()
} | {
    "abs": abs,
    "round": lambda value, digits=0: round(float(value), int(digits)),  # a whole number's would make 10**digits
    "min": min,
    "max": max,
    "arcsin": math.asin,
    "arccos": math.acos,
    "arctan": math.atan,
    "arctan2": math.atan2,
}
_BINARY: Mapping[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARED: Mapping[type[ast.cmpop], Callable[[Number, Number], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


async def _eval(arguments: Mapping[str, Any], scope: Scope) -> ToolAnswer:
    text = arguments["expression"].strip().replace("^", "**").replace("×", "*").replace("÷", "/").replace("−", "-")
    if len(text) > _LONGEST:
        raise _wrong(f"is longer than {_LONGEST} characters")
    try:
        value = _value(ast.parse(text, mode="eval").body)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise _wrong("is none that can be read") from error
    except (ArithmeticError, ValueError, TypeError) as error:
        raise _wrong(f"has no value: {error}") from error
    if isinstance(value, complex):
        raise _wrong("has no real value")
    return ToolAnswer(str(value), [value] if math.isfinite(value) else ())


def _value(node: ast.expr) -> Number:
    match node:
        case ast.Constant(value=bool() | int() | float() as value):
            return _small(value)
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            return -_value(operand) if isinstance(sign, ast.USub) else +_value(operand)
        case ast.BinOp(op=ast.Pow(), left=left, right=right):
            return _small(_power(_value(left), _value(right)))
        case ast.BinOp(op=op, left=left, right=right) if type(op) in _BINARY:
            return _small(_BINARY[type(op)](_value(left), _value(right)))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARED:
            return _COMPARED[type(op)](_value(left), _value(right))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            return _small(_FUNCTIONS[name](*map(_value, args)))
    raise _wrong("has something in it that is not calculated here")


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * abs(exponent) > _BITS:
        return float(base) ** exponent
    found: Number = base**exponent
    return found


def _small(value: Number) -> Number:
    if isinstance(value, int) and value.bit_length() > _BITS:
        raise _wrong("leads to a number that is too large")
    return value


def _wrong(how: str) -> NodeFailed:
    return NodeFailed(f"The expression {how}.", code="tool_input_invalid", param="expression")


TOOLS = (
    made(
        "maths",
        "eval_expression",
        _eval,
        description="Calculates a mathematical expression, such as (3 + 4) * sqrt(2).",
        words=Words("Calculate", "계산", "The value of an expression.", "수식의 값을 구합니다."),
        parameters={"expression": {"type": "string", "description": "Such as (3 + 4) * sqrt(2)"}},
        fields={
            "expression": Words("Expression", "수식", "Such as (3 + 4) * sqrt(2).", "(3 + 4) * sqrt(2)처럼 적습니다.")
        },
        required=("expression",),
    ),
)
