"""Predicted quality of an answer to this call, by what the catalog knows of each model's strengths."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from routed_llm.catalog.strengths import strength_names
from routed_llm.policy.shapes import Candidates, Live
from routed_llm.policy.vectors import Values, as_vector, home_of, is_large, part_of
from routed_llm.requests import Ask

__all__ = ["KIND", "Quality", "kind_of", "kind_words", "qualities"]

#: the facts that say what kind of call it is
KIND = ("task", "domain", "language", "programming_language")
#: kinds of calls whose values one pool keeps; the words may be the callers' own, so there may be any number
KEPT = 256


def kind_of(ask: Ask) -> tuple[str, ...]:
    """The names under which a call's strength is looked up, the most specific first; empty where nothing is known of it."""
    facts = ask.facts
    if not facts:
        return ()
    get = facts.get
    try:
        return _names(get("task"), get("domain"), get("language"), get("programming_language"))
    except TypeError:  # a fact that is no text, and cannot be a key
        return strength_names(*(_text(get(name)) for name in KIND))


@lru_cache(maxsize=KEPT)
def _names(task: Any, domain: Any, language: Any, programming: Any) -> tuple[str, ...]:
    return strength_names(_text(task), _text(domain), _text(language), _text(programming))


def kind_words(ask: Ask) -> str:
    """The kind of call for a reason: ``code_debug in python``; empty where nothing is known."""
    task, domain, language, programming = (_text(ask.facts.get(name)) for name in KIND)
    words = [task, domain if domain != "general" else None, f"in {programming}" if programming else None]
    if language not in (None, "en"):
        words.append(f"({language})")
    return " ".join(word for word in words if word)


def qualities(ask: Ask, candidates: Candidates) -> Sequence[float | None]:
    """Of each candidate the most specific strength that is known, else its general quality, 0 to 1; None is unknown."""
    names = kind_of(ask)
    pool, indexes = home_of(candidates)
    kept: dict[tuple[str, ...], Sequence[float | None]] = pool.noted("qualities", lambda _: {})
    values = kept.get(names)
    if values is None:
        if len(kept) >= KEPT:
            kept.clear()
        values = [d.strength_at(names) for d in pool]
        values = kept[names] = Values(as_vector(values)) if is_large(pool) else values
    return values if indexes is None else part_of(values, candidates)


class Quality:
    """Predicted quality, 0 to 1: the strength for the call's task, domain or language, else the general quality."""

    name = "quality"
    unit = ""
    lower_is_better = False
    reads = KIND
    #: all that a candidate's value depends on
    depends = staticmethod(kind_of)

    def values(self, ask: Ask, candidates: Candidates, live: Live) -> Sequence[float | None]:
        """Quality of each candidate; unknown where the catalog has no number."""
        return qualities(ask, candidates)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
