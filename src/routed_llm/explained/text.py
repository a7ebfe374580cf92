"""A decision for reading: one sentence, and a table. Both are made of its data, so that saved decisions read the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from routed_llm.money import NANO

__all__ = ["html", "listed", "sentence", "table"]

#: names that are listed for one reason of rejection
_LISTED = 8


def sentence(data: Mapping[str, Any]) -> str:
    """Who is tried first, why, and what else there is."""
    if data["chosen"] is None:
        return f"nobody may serve this call now{_why_nobody(data)}"
    told = f"{data['chosen']} ({data['reason']}); {data['fallbacks']} left to fall back to"
    return told if data["propensity"] == 1.0 else f"{told}; picked with probability {data['propensity']:.3g}"


def _why_nobody(data: Mapping[str, Any]) -> str:
    cooling, rejections = data["cooling"], data["rejections"]
    told = [f"{_count(len(cooling))} cooling down"] if cooling else []
    most = max(rejections.items(), key=lambda item: len(item[1]), default=None)
    if most is not None:
        told.append(f"{_count(len(data['rejected']))} rejected, {'all' if len(rejections) == 1 else 'most'} because: {most[0]}")
    return f" ({'; '.join(told)})" if told else ""


def _count(number: int) -> str:
    return f"{number} deployment{'' if number == 1 else 's'}"


def table(data: Mapping[str, Any]) -> str:
    """The sentence, a line for each candidate in the order in which they are tried, and one for each reason of rejection."""
    rows = list(_rows(data))
    width = max((len(name) for _, name, _ in rows), default=0)
    lines = [f"  {place:>2}  {name:<{width}}  {why}" for place, name, why in rows]
    lines.extend(f"  rule {each['rule']!r}: {_did(each)}" for each in data["rules"])
    lines.extend(f"  {each['medium']}: described in words by {each['model']}" for each in data.get("relayed", ()))
    lines.extend(f"  classified without asking {each['model']}: {each['because']}" for each in data.get("unasked", ()))
    return "\n".join([sentence(data), *lines])


def html(data: Mapping[str, Any]) -> str:
    """The table for a notebook."""
    from html import escape

    cells = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in _rows(data))
    head = "<tr><th>#</th><th>deployment</th><th>why</th></tr>"
    return f"<table><caption>{escape(sentence(data))}</caption>{head}{cells}</table>"


def _rows(data: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    placed = sorted((each for each in data["candidates"] if each["place"] is not None), key=lambda each: each["place"])
    for each in placed:
        yield str(each["place"]), each["deployment"], ", ".join(_merits(each))
    for name, seconds in data["cooling"].items():
        yield "-", name, "cooling down" + ("" if seconds is None else f" for {seconds:.1f} s")
    for reason, names in data["rejections"].items():
        if len(names) == 1:
            yield "-", names[0], reason
        else:
            yield "-", _count(len(names)), f"{reason}: {listed(names)}"


def _merits(candidate: Mapping[str, Any]) -> Iterator[str]:
    scores = candidate["scores"]
    for name, score in scores.items():
        yield f"{name} {_value(score['value'], score['unit'])}"
    if not any(score["unit"] == "nano-USD" for score in scores.values()):
        yield f"cost {_value(candidate['expected_cost_nanousd'], 'nano-USD')}"
    for need in candidate["unknown"]:
        yield f"{need} unknown"


def listed(names: Sequence[str]) -> str:
    """Some names; of many only the first few."""
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def _did(rule: Mapping[str, Any]) -> str:
    """What a rule did, in words."""
    told = [f"{name} {_words(value)}" for name, value in rule.items() if name not in ("rule", "because", "advice")]
    return "; ".join(told) + (f" (as {rule['because']})" if rule.get("because") else "")


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {each!r}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(f"({_did(each)})" if isinstance(each, Mapping) else str(each) for each in value)
    return "yes" if value is True else str(value)


def _value(value: float | None, unit: str) -> str:
    if value is None:
        return "unknown"
    if unit == "nano-USD":
        return f"${value / NANO:.9f}".rstrip("0").rstrip(".")
    return f"{value:.3f} {unit}".strip()
