"""Finds the value of one field, by its name and type, among the facts of a text."""

from __future__ import annotations

import re
from fractions import Fraction

from routed_llm.providers.sandbox.solvers.facts import Facts
from routed_llm.providers.sandbox.solvers.numerals import only_number

__all__ = ["find_flag", "find_number", "find_text", "words_of"]

_PLACES_TEXT = "location city place country town region address destination origin state street venue area"
_PLACES = frozenset(_PLACES_TEXT.split())
_WHOLE_TEXT = "query question input text prompt content message request task instruction instructions expression"
_WHOLE = frozenset(_WHOLE_TEXT.split())
_ANSWERS_TEXT = "answer result solution value total sum response output reply final"
_ANSWERS = frozenset(_ANSWERS_TEXT.split())
_NAMED_TEXT = "name names title person author customer company user sender recipient employee product style language team"
_NAMED = frozenset(_NAMED_TEXT.split())
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_\W]+")
_PLACE = re.compile(
    r"\b(?:in|at|near|for|to|from)\s+"
    r"((?:the\s+)?[\w'\u2019]+(?:\s[\w'\u2019]+)?(?:,\s?\w+)?)\s*(?=[?.!,;]|$|\band\b)"
)
_UNITS = {"age": r"\s*-?\s*years?\b", "duration": r"\s*(?:minute|hour|day)", "price": r"\s*(?:dollar|euro|usd|eur)\b"}


def words_of(name: str) -> list[str]:
    """The words of a field's or tool's name, in lower case."""
    return [word.lower() for word in _CAMEL.split(name) if word]


def _labelled(name: str, text: str) -> str | None:
    """What follows the field's name and a mark such as "is", "=" or ":", up to the end of the phrase."""
    spoken = r"[\s_-]*".join(map(re.escape, words_of(name)))
    mark = re.search(rf"\b{spoken}\b[\"'`]?\s*(?:is|are|was|=|:|named|called)\s*", text, re.IGNORECASE) if spoken else None
    if mark is None:
        return None
    rest = text[mark.end() :]
    quoted = re.match(r"[\"'“\u2018`](.+?)[\"'”\u2019`]", rest)
    phrase = quoted[1] if quoted else re.split(r"[,;\n!?]|\.(?:\s|$)|\s+and\s+|\s+keys?\b", rest, maxsplit=1)[0]
    return phrase.strip() or None


def find_text(name: str, kind: str, facts: Facts) -> str | None:
    """The text for a field; ``kind`` is the schema's ``format``. None where the text gives none."""
    words = set(words_of(name))
    hints = words | {kind}
    for mark, values in (
        ({"email", "mail"}, facts.emails),
        ({"url", "uri", "link", "website"}, facts.urls),
        ({"phone", "telephone", "mobile"}, facts.phones),
        ({"date", "day", "birthday", "deadline", "due"}, facts.dates),
    ):
        if hints & mark:
            return facts.take(values)
    if words & _ANSWERS and facts.solution is not None:
        return facts.solution
    labelled = _labelled(name, facts.text)
    if labelled is not None:
        facts.used.add(labelled)
        return labelled
    if words & _PLACES:
        return _place(facts)
    found = facts.take(facts.quoted)
    if found is None and (words & _NAMED or not words & _WHOLE):
        found = facts.take(facts.names)
    if found is None and words & (_WHOLE | _ANSWERS):
        found = facts.text.strip() or None
    return found


def _place(facts: Facts) -> str | None:
    """A capitalised phrase after a preposition of place, any other one, or the words after the preposition."""
    after = [name for name in facts.names if re.search(rf"\b(?:in|at|near|to|from|for)\s+{re.escape(name)}", facts.text)]
    found = facts.take(after) or facts.take(facts.names) or facts.take(facts.quoted)
    if found is None:
        match = _PLACE.search(facts.text)
        found = facts.take([match[1]]) if match else None
    return found


def find_number(name: str, facts: Facts) -> Fraction | None:
    """The number for a field: labelled with its name, of its unit, the text's solution, or the next one in the text."""
    words = set(words_of(name))
    if words & _ANSWERS and facts.solution is not None:
        return only_number(facts.solution)
    spoken = r"[\s_-]*".join(map(re.escape, words_of(name)))
    near = [
        item
        for item in facts.numbers
        if (spoken and re.search(rf"\b{spoken}\b[^\d.!?]{{0,12}}$", facts.text[: item.start], re.IGNORECASE))
        or any(word in _UNITS and re.match(_UNITS[word], facts.text[item.end :], re.IGNORECASE) for word in words)
    ]
    found = facts.take_number(near)
    return facts.take_number(facts.numbers) if found is None else found


def find_flag(name: str, facts: Facts) -> bool | None:
    """Whether the text says so: False after a "not" or "no", None where it does not speak of it."""
    labelled = _labelled(name, facts.text)
    if labelled is not None and labelled.lower() in ("true", "yes", "false", "no"):
        return labelled.lower() in ("true", "yes")
    spoken = [word for word in words_of(name) if word not in ("is", "has", "are", "can", "should")]
    pattern = r"[\s_-]*".join(map(re.escape, spoken))
    match = re.search(rf"\b(not |no |n't )?{pattern}", facts.text, re.IGNORECASE) if pattern else None
    return None if match is None else match[1] is None
