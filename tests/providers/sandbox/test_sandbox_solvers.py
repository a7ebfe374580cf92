"""The solvers compute: they agree with Python on questions that nobody wrote down."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routed_llm.providers.sandbox.solvers import difficulty, solve_text
from routed_llm.providers.sandbox.solvers.numerals import numerals
from routed_llm.providers.sandbox.solvers.units import convert, find_unit

SMALL = st.integers(0, 999)
EXPRESSIONS = st.recursive(
    SMALL.map(str),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda it: f"{it[0]} {it[1]} {it[2]}"),
        inner.map(lambda it: f"({it})"),
        inner.map(lambda it: f"-({it})"),
    ),
    max_leaves=8,
)
ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()  # noqa: E501, SIM905
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def answer(text: str) -> str:
    found = solve_text(text)
    assert found is not None, text
    return found.answer


def spelled(number: int) -> str:
    if number >= 1000:
        return f"{spelled(number // 1000)} thousand" + (f" {spelled(number % 1000)}" if number % 1000 else "")
    if number >= 100:
        return f"{ONES[number // 100]} hundred" + (f" and {spelled(number % 100)}" if number % 100 else "")
    if number < 20:
        return ONES[number]
    return TENS[number // 10 - 2] + (f"-{ONES[number % 10]}" if number % 10 else "")


@given(EXPRESSIONS)
@settings(max_examples=300, deadline=None)
def test_arithmetic_agrees_with_python(expression: str) -> None:
    if not any(sign in expression for sign in "+-*/"):
        return
    exact = "".join(f"Fraction({piece})" if piece.isdigit() else piece for piece in _pieces(expression))
    try:
        value = eval(exact, {"Fraction": Fraction})
    except ZeroDivisionError:
        assert answer(f"What is {expression}?") == "undefined"
        return
    if solve_text(f"What is {expression}?") is None:  # only a sign before a bracket: no operation
        assert not any(f" {sign} " in expression for sign in "+-*/")
        return
    assert abs(Fraction(answer(f"What is {expression}?")) - value) <= Fraction(1, 1_000_000)


def _pieces(text: str) -> list[str]:
    pieces = [""]
    for sign in text:
        if sign.isdigit() and pieces[-1].isdigit():
            pieces[-1] += sign
        else:
            pieces.append(sign)
    return pieces


@given(st.integers(0, 999_999), st.integers(0, 999_999), st.sampled_from([("plus", 1), ("minus", -1), ("times", 0)]))
def test_numbers_in_words(first: int, second: int, operation: tuple[str, int]) -> None:
    word, sign = operation
    wanted = first * second if not sign else first + sign * second
    assert answer(f"What is {spelled(first)} {word} {spelled(second)}?") == str(wanted)


@given(st.lists(SMALL, min_size=1, max_size=5))
def test_neighbouring_number_words_stay_apart(values: list[int]) -> None:
    assert [int(item.value) for item in numerals(", ".join(map(spelled, values)))] == values


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)), st.integers(1, 3000))
def test_dates_agree_with_the_calendar(day: date, days: int) -> None:
    other = day + timedelta(days=days)
    assert answer(f"How many days are there between {day} and {other}?") == str(days)
    assert answer(f"What date is {days} days after {day:%B} {day.day}, {day.year}?") == other.isoformat()
    assert answer(f"What date is {days} days before {other.day} {other:%B} {other.year}?") == day.isoformat()
    assert answer(f"What day of the week is {day}?") == f"{day:%A}"


def test_months_end_where_they_end() -> None:
    assert answer("What is the date one month after 2024-01-31?") == "2024-02-29"
    assert answer("What is the date 2 years before 29 February 2024?") == "2022-02-28"


@given(st.lists(st.integers(-9999, 9999), min_size=2, max_size=20))
def test_numbers_are_sorted(values: list[int]) -> None:
    text = ", ".join(map(str, values))
    assert answer(f"Sort these numbers: {text}.") == ", ".join(map(str, sorted(values)))
    assert answer(f"Order from largest to smallest: {text}") == ", ".join(map(str, sorted(values, reverse=True)))


@given(st.lists(st.from_regex(r"[a-z]{1,9}", fullmatch=True).filter(lambda w: w != "and"), min_size=2, max_size=12))
def test_words_are_sorted(values: list[str]) -> None:
    assert answer(f"Sort alphabetically: {', '.join(values)}").casefold() == ", ".join(sorted(values))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Convert 3 kilometers to meters.", "3000"),
        ("How many inches are in 2 feet?", "24"),
        ("How many grams is 1.5 kg?", "1500"),
        ("Convert 212 degrees Fahrenheit to Celsius.", "100"),
        ("What is -40 °C in °F?", "-40"),
        ("How many minutes are there in two hours?", "120"),
        ("How much is 15 percent of 80?", "12"),
        ("Compute 2 to the power of 10.", "1024"),
        ("What is 5 squared plus 3 cubed?", "52"),
        ("What is the average of 2, 4 and 9?", "5"),
        ("What is the sum of 3, 4, and 5?", "12"),
        ("Compute 1,234.5 * 2", "2469"),
        ("What is 1 / 0?", "undefined"),
        ("Extract the email addresses: write to a.b@c.org, or x@y.example.", "a.b@c.org, x@y.example"),
        ("Extract the dates: on 5 May 2024 and 2024-06-01.", "2024-05-05, 2024-06-01"),
        ("Find all numbers in this text: 3 pigs, 12 hens, -4 degrees", "3, 12, -4"),
        ("Context: The tower is red. The bridge is green.\nQuestion: Which colour has the bridge?", "The bridge is green."),
    ],
)
def test_tasks_in_many_words(text: str, wanted: str) -> None:
    assert answer(text) == wanted


@pytest.mark.parametrize(
    "text",
    ["Hello!", "Call 555-1234", "It was on 12/05/2024.", "Tell me a joke.", "The well-known state-of-the-art.", "2 ^ 99999999"],
)
def test_what_is_no_task_is_left_alone(text: str) -> None:
    assert solve_text(text) is None


@given(st.fractions(-1000, 1000))
def test_conversions_go_back(value: Fraction) -> None:
    for one, other in (("mile", "kilometers"), ("pounds", "kg"), ("fahrenheit", "celsius"), ("gallons", "liters")):
        source, target = find_unit(one), find_unit(other)
        assert source is not None
        assert target is not None
        assert convert(convert(value, source, target), target, source) == value


def test_more_steps_are_more_difficult() -> None:
    assert difficulty("What is 2 + 3?") < difficulty("What is 2 + 3 * 4 - 5?") < difficulty("What is 2 + 300 * 400 - 500?")
    assert difficulty("Sort: 2, 1") < difficulty("Sort: 5, 4, 3, 2, 1")
    assert difficulty("Hello") == 0


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_no_text_breaks_a_solver(text: str) -> None:
    solve_text(text)
    solve_text(f"What is {text}? Sort: {text}")
