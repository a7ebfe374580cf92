"""Generation parameters in a chat completion: sent as they are, but for those of which the wire knows otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.dialects.wire import Wire

__all__ = ["add_params", "dropped"]


def dropped(name: str, wire: Wire) -> str:
    """The words for a parameter that a model does not get."""
    return f"{wire.model} does not take {name}: left out"


def add_params(body: dict[str, Any], params: Mapping[str, Any], wire: Wire, losses: list[str]) -> None:
    """Every parameter in its form; what the model does not take is noted in ``losses``."""
    otherwise: Mapping[str, Mapping[str, Any]] = wire.quirks.get("params", {})
    for name, value in params.items():
        if value is None:
            continue
        if name in wire.drops:
            losses.append(dropped(name, wire))
        elif name in otherwise:
            _add(body, name, value, otherwise[name], wire, losses)
        elif name == "max_tokens":
            body[wire.max_tokens_field] = value
        else:
            body[name] = value


def _add(body: dict[str, Any], name: str, value: Any, how: Mapping[str, Any], wire: Wire, losses: list[str]) -> None:
    """One parameter in the form that ``how`` tells; see the head of ``families.toml``."""
    if "only" in how and value not in how["only"]:
        losses.append(f"{wire.model} does not take {name} {value!r}: left out")
        return
    if "most" in how and isinstance(value, (int, float)) and value > how["most"]:
        losses.append(f"{wire.model} does not take a {name} above {how['most']:g}: sent as {how['most']:g}")
        value = how["most"]
    if "words" in how and isinstance(value, str) and value in how["words"]:
        word = how["words"][value]
        losses.append(f"{wire.model} does not know {name} {value!r}: sent as {word!r}")
        value = word
    if "fields" not in how:
        body[how.get("as", name)] = value
        return
    fields = how["fields"].get(value, how["fields"].get("any")) if isinstance(value, str) else {name: value}
    if fields is None:
        losses.append(f"{wire.model} does not take {name} {value!r}: left out")
        return
    for field, told in fields.items():
        # what the call says in the provider's own words stands
        body.setdefault(field, _filled(told, value))


def _filled(told: Any, word: str) -> Any:
    """A field's value, with the word in the place of ``*``."""
    if isinstance(told, Mapping):
        return {name: _filled(each, word) for name, each in told.items()}
    return word if told == "*" else told
