"""What changed between two files of model cards in the form of ``data/models.json``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from routed_llm.errors import ConfigurationError

__all__ = ["Difference", "card_file", "differences"]


class Difference(NamedTuple):
    """One fact that is other: of which model, where in its row, and what stood and stands there; None is nothing.

    Of a model that came or went as a whole, ``what`` is empty. Prices are nano-dollars per million tokens, or each.
    """

    model: str
    what: str
    before: Any
    after: Any


def card_file(path: Path | None = None) -> dict[str, Any]:
    """A file of cards; without a path the one that comes with this package.

    Raises:
        ConfigurationError: where it cannot be read, or is no such file.
    """
    try:
        source = files("routed_llm.catalog") / "data" / "models.json" if path is None else path
        data = json.loads(source.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from None
    if not isinstance(data, dict) or not isinstance(data.get("models"), dict):
        raise ConfigurationError(f"{path} is no file of model cards: it has no table 'models'.")
    return data


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    """All facts of models that differ: of their rows, their scores, and their last days; by model."""
    before, after = _models(old), _models(new)
    for model in sorted({*before, *after}):
        if model not in before or model not in after:
            yield Difference(model, "", before.get(model), after.get(model))
            continue
        one, other = _flat(before[model]), _flat(after[model])
        for what in sorted({*one, *other}):
            if one.get(what) != other.get(what):
                yield Difference(model, what, one.get(what), other.get(what))


def _models(data: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The rows with what other tables tell of them; a last day may be that of a name without a row."""
    scores, retires = data.get("scores", {}), data.get("retires", {})
    found = {
        model: {key: value for key, value in row.items() if key != "scores"} | scores.get(row.get("scores"), {})
        for model, row in data["models"].items()
        if isinstance(row, dict)
    }
    for model, day in retires.items():
        found.setdefault(model, {})["retires"] = day
    return found


def _flat(row: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """A row with its tables laid open: ``prices.input``; lists stay as they are."""
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{above}{key}."))
        else:
            flat[f"{above}{key}"] = value
    return flat
