"""What was asked, as data: everything that a policy may look at, and no text of the prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.explained.exact import exact, restored
from routed_llm.hints import Hints
from routed_llm.requests import Ask, Requirements

__all__ = ["ask_data", "ask_from"]

_NUMBERS = ("input_tokens", "output_tokens", "now", "stream", "max_tokens", "longest", "wall", "session")
_REQUIRES = ("mode", "model", "exclude", "region", "private", "agreements")
#: told only where there is something: words by the id of a deployment
_BY_ID = ("untaken", "unserved")


def ask_data(ask: Ask) -> dict[str, Any]:
    """A call before rules changed it, as JSON data. Hints, metadata and facts are told as they are: they are the caller's."""
    told = {name: exact(getattr(ask, name)) for name in _NUMBERS}
    told["requires"] = {
        "needs": sorted(ask.requires.needs),
        **{name: _listed(getattr(ask.requires, name)) for name in _REQUIRES},
    }
    if ask.spent != 0:
        told["spent"] = ask.spent
    for name in _BY_ID:
        if found := getattr(ask.requires, name):
            told["requires"][name] = dict(found)
    told.update(hints=exact(ask.hints.given), facts=exact(dict(ask.facts)), params=exact(dict(ask.params)))
    return told


def _listed(value: Any) -> Any:
    """A tuple as a list, anything else as it is."""
    return list(value) if isinstance(value, tuple) else value


def ask_from(data: Mapping[str, Any]) -> Ask:
    """The call of which :func:`ask_data` made data.

    Raises:
        KeyError, TypeError, ValueError: for what is no such data; :class:`~routed_llm.errors.UnknownHint` is one of the last.
    """
    given: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in data["requires"].items()}
    needs = frozenset(given.pop("needs"))
    given |= {name: tuple(dict(given.get(name, {})).items()) for name in _BY_ID}
    told = {name: restored(data[name]) for name in (*_NUMBERS, "facts", "params")}
    told["spent"] = data.get("spent", 0)
    return Ask(requires=Requirements(needs, **given), hints=Hints(restored(data["hints"])), **told)
