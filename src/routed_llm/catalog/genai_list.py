"""The list of prices of the project genai-prices (https://github.com/pydantic/genai-prices, ``prices/data.json``), as rows.

It is a list of providers, each with models: ``id``, ``match`` (spellings), ``context_window``, and ``prices`` in dollars,
mostly per million tokens, plain or with ``base`` and ``tiers``, or a list of such with the day from which, or the time of day
at which, each counts; of those that count the last one does. Variants of a price, such as that of batches, are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from routed_llm.errors import ConfigurationError
from routed_llm.money import NANO

__all__ = ["rows_of_genai"]

#: its word for a provider -> ours, where they differ
_PROVIDERS = {"google": "gemini", "moonshotai": "moonshot", "x-ai": "xai"}
#: its providers whose models have other names there than on the wire
_OTHER_NAMES = frozenset({"aws", "azure", "databricks"})
#: its key -> ours, and of how many it is the price
_RATES = {
    "input_mtok": ("input", 1),
    "output_mtok": ("output", 1),
    "cache_read_mtok": ("cache_read", 1),
    "cache_write_mtok": ("cache_write", 1),
    "cache_write_1h_mtok": ("cache_write_long", 1),
    "input_audio_mtok": ("audio_input", 1),
    "output_audio_mtok": ("audio_output", 1),
    "output_reasoning_mtok": ("reasoning", 1),
    "requests_kcount": ("request", 1000),
}
_TIME = re.compile(r"(\d\d:\d\d):00(?:\.0+)?(?:Z|\+00:00)?")
_LARGEST_USD = 1_000_000


def rows_of_genai(providers: list[Any], source: str, day: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows as of ``data/models.json``, by ``provider:model``.

    Args:
        providers: the list.
        source: told in errors.
        day: whose prices are wanted, as an ISO date.

    Raises:
        ConfigurationError: with the path of what cannot be meant.
    """
    for number, provider in enumerate(providers):
        path = f"{source}: [{number}]"
        if not isinstance(provider, Mapping) or not isinstance(provider.get("id"), str):
            raise ConfigurationError("must be a provider, with an id and models.", path=path)
        if not isinstance(provider.get("models"), list):
            raise ConfigurationError("must be a list of models.", path=f"{path}.models")
        if provider["id"] in _OTHER_NAMES:
            continue
        name = _PROVIDERS.get(provider["id"], provider["id"])
        for place, model in enumerate(provider["models"]):
            here = f"{path}.models[{place}]"
            if not isinstance(model, Mapping) or not isinstance(model.get("id"), str) or not model["id"]:
                raise ConfigurationError("must be a model with an id.", path=here)
            yield f"{name}:{model['id']}", _row(model, here, day)


def _row(model: Mapping[str, Any], path: str, day: str) -> dict[str, Any]:
    row: dict[str, Any] = {"context": model.get("context_window"), "matches": list(_spellings(model.get("match")))}
    given = model.get("prices") or {}
    if not isinstance(given, list):
        return row | _priced(given, f"{path}.prices")
    whole: dict[str, Any] = {}
    windows: list[dict[str, Any]] = []
    for number, each in enumerate(given):
        here = f"{path}.prices[{number}]"
        if _begins(each, here) > day:
            continue
        priced = _priced(each.get("prices") or {}, f"{here}.prices")
        if (window := _window(each, f"{here}.constraint")) is None:
            whole, windows = priced, []  # it counts all day, whatever came before
        else:
            windows.insert(0, {**window, **priced.get("prices", {})})
    if windows and not whole:
        # who does not look at the clock gets an upper bound
        dearest = max(windows, key=lambda rates: (rates.get("input", 0), rates.get("output", 0)))
        whole = {"prices": {name: rate for name, rate in dearest.items() if name not in ("from", "to")}}
    return row | whole | ({"hours": windows} if windows else {})


def _begins(given: Any, path: str) -> str:
    """The day from which a price counts; empty for one that always does."""
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"must be a table, not {given!r}.", path=path)
    constraint = given.get("constraint") or {}
    if not isinstance(constraint, Mapping):
        raise ConfigurationError(f"must be a table, not {constraint!r}.", path=f"{path}.constraint")
    return str(constraint.get("start_date", ""))


def _window(given: Mapping[str, Any], path: str) -> dict[str, str] | None:
    """From when to when a price counts in a day, in UTC; None for one that counts all day."""
    constraint = given.get("constraint") or {}
    if "start_time" not in constraint:
        return None
    window = {}
    for ours, theirs in (("from", "start_time"), ("to", "end_time")):
        found = _TIME.fullmatch(str(constraint.get(theirs)))
        if found is None:
            raise ConfigurationError(f"must be a full minute in UTC, not {constraint.get(theirs)!r}.", path=f"{path}.{theirs}")
        window[ours] = found[1]
    return window


def _priced(given: Any, path: str) -> dict[str, Any]:
    """Flat rates, and tiers of long prompts."""
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"must be a table of prices, not {given!r}.", path=path)
    flat: dict[str, int] = {}
    tiers: dict[int, dict[str, int]] = {}
    for theirs, (ours, count) in _RATES.items():
        value = given.get(theirs)
        if isinstance(value, Mapping):
            for tier in value.get("tiers") or ():
                if not isinstance(tier, Mapping) or type(tier.get("start")) is not int:
                    raise ConfigurationError("must have a start and a price.", path=f"{path}.{theirs}.tiers")
                tiers.setdefault(tier["start"], {})[ours] = _nano(tier.get("price"), count, f"{path}.{theirs}.tiers")
            value = value.get("base")
        if value is not None:
            flat[ours] = _nano(value, count, f"{path}.{theirs}")
    row: dict[str, Any] = {"prices": flat} if flat else {}
    if tiers:
        row["tiers"] = [{"above": above, **tiers[above]} for above in sorted(tiers)]
    return row


def _nano(value: Any, count: int, path: str) -> int:
    try:
        usd = Decimal(str(value))
        if isinstance(value, bool) or not usd.is_finite() or not 0 <= usd <= _LARGEST_USD:
            raise ValueError
    except (InvalidOperation, ValueError):
        raise ConfigurationError(f"must be dollars of at least zero, not {value!r}.", path=path) from None
    return int((usd * NANO / count).to_integral_value(ROUND_HALF_UP))


def _spellings(match: Any) -> Iterator[str]:
    """The simple spellings of a name; a ``*`` at the end stands for any ending."""
    if not isinstance(match, Mapping):
        return
    if isinstance(match.get("or"), list):
        for part in match["or"]:
            yield from _spellings(part)
    elif isinstance(match.get("equals"), str):
        yield match["equals"]
    elif isinstance(match.get("starts_with"), str):
        yield f"{match['starts_with']}*"
