"""Reads and evaluates an arithmetic expression exactly, by recursive descent over tokens."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

__all__ = ["Expression", "NotAnExpression", "Token", "evaluate"]

#: a number, or an operator: + - * / ^ ( ) % (percent of) and the postfix words squared, cubed
Token = Fraction | str
#: largest power computed, in bits of the result, and deepest nesting
_MOST_BITS, _DEEPEST = 4096, 40
_POSTFIX = {"squared": 2, "cubed": 3}


class NotAnExpression(Exception):
    """The tokens are no expression, or one too big to compute."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A value (None when it divides by zero) and how many operations it took."""

    value: Fraction | None
    steps: int


class _Undefined(Exception):
    """A division by zero."""


class _Reader:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.steps = 0
        self.depth = 0

    def peek(self) -> Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def next_in(self, *operators: str) -> str | None:
        token = self.peek()
        if isinstance(token, str) and token in operators:
            self.at += 1
            return token
        return None

    def sum(self) -> Fraction:
        value = self.product()
        while operator := self.next_in("+", "-"):
            self.steps += 1
            other = self.product()
            value = value + other if operator == "+" else value - other
        return value

    def product(self) -> Fraction:
        value = self.signed()
        while operator := self.next_in("*", "/", "%"):
            self.steps += 1
            other = self.signed()
            if operator == "/" and other == 0:
                raise _Undefined
            value = value / other if operator == "/" else value * other / (100 if operator == "%" else 1)
        return value

    def signed(self) -> Fraction:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise NotAnExpression
        sign = self.next_in("-", "+")
        value = self.signed() if sign else self.power()
        self.depth -= 1
        return -value if sign == "-" else value

    def power(self) -> Fraction:
        base = self.atom()
        while word := self.next_in("squared", "cubed"):
            self.steps += 1
            base = _raised(base, Fraction(_POSTFIX[word]))
        if self.next_in("^"):
            self.steps += 1
            base = _raised(base, self.signed())
        return base

    def atom(self) -> Fraction:
        token = self.peek()
        self.at += 1
        if isinstance(token, Fraction):
            return token
        if token != "(":
            raise NotAnExpression
        value = self.sum()
        if self.next_in(")") is None:
            raise NotAnExpression
        return value


def _raised(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        raise NotAnExpression
    power = int(exponent)
    size = max(base.numerator.bit_length(), base.denominator.bit_length())
    if size * abs(power) > _MOST_BITS:
        raise NotAnExpression
    if base == 0 and power < 0:
        raise _Undefined
    return Fraction(base**power)


def evaluate(tokens: list[Token]) -> Expression:
    """The value of the tokens, all of them.

    Raises:
        NotAnExpression: when they are no whole expression.
    """
    reader = _Reader(tokens)
    try:
        value = reader.sum()
    except _Undefined:
        return Expression(None, sum(isinstance(token, str) and token not in "()" for token in tokens))
    if reader.at != len(tokens):
        raise NotAnExpression
    return Expression(value, reader.steps)
