"""Lists of prices from elsewhere: read, checked, and compared with what was known before.

Three forms are read: that of ``data/models.json`` of this package (``docs/revisions.md`` tells it), that of genai-prices
(:mod:`routed_llm.catalog.genai_list`), and OpenRouter's list of models (https://openrouter.ai/docs/models), whose prices are
dollars per token.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cached_property
from typing import Any, NamedTuple

from routed_llm.catalog.cards import ModelCard, Shelf, known_name, price_of_row, same_models, shelf_of
from routed_llm.catalog.genai_list import rows_of_genai
from routed_llm.catalog.offers import OPENROUTER_RATES
from routed_llm.catalog.prices import PRICE_KEYS, Price
from routed_llm.catalog.usd import clock, seconds_of_day
from routed_llm.errors import ConfigurationError
from routed_llm.money import NANO
from routed_llm.refusing import refuse_unknown
from routed_llm.results import SERVICE_TIERS

__all__ = ["FACTOR", "PriceChange", "PriceList", "price_changes", "read_list"]

#: how many times a price may rise or fall before somebody has to say that it is meant
FACTOR = 10
#: no price is above a million dollars for a million tokens
_LARGEST = 1_000_000 * NANO
_LARGEST_COUNT = 10**12


class PriceChange(NamedTuple):
    """One rate of a model that is other than before, in nano-dollars."""

    model: str
    key: str
    before: int
    after: int

    @property
    def suspicious(self) -> bool:
        """Whether it rose or fell by more than :data:`FACTOR`; from or to nothing is more than any factor."""
        low, high = sorted((self.before, self.after))
        return high > FACTOR * low


class PriceList:
    """Rows of models by ``provider:model``.

    Args:
        rows: as in ``data/models.json``, checked.
        same_models: provider -> the provider whose models it serves under the same names and prices.
        retires: ``provider:model`` -> the day from which that name is not served any more.
        source: where they are from, without secrets.
    """

    def __init__(
        self, rows: Mapping[str, Mapping[str, Any]], same_models: Mapping[str, str], retires: Mapping[str, str], source: str
    ) -> None:
        self.rows, self.same_models, self.retires, self.source = rows, same_models, retires, source
        by_provider: dict[str, dict[str, Mapping[str, Any]]] = {}
        for key, row in rows.items():
            provider, _, name = key.partition(":")
            by_provider.setdefault(provider, {})[name] = row
        self._by_provider = by_provider
        self._shelves: dict[str, Shelf] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def find(self, provider: str, name: str) -> ModelCard | None:
        """What the list tells of a model: price and windows, and when it retires; None where it tells nothing."""
        owner = self.same_models.get(provider, provider)
        shelf = self._shelves.get(owner)
        if shelf is None:
            shelf = self._shelves[owner] = shelf_of(self._by_provider.get(owner, {}))
        known = name if name in shelf.rows else known_name(shelf, name)
        if known is None:
            return None
        row, retires = shelf.rows[known], self.retires.get(f"{provider}:{name.lower()}")
        price = price_of_row(row, provider)
        return ModelCard(provider, known, row.get("context"), row.get("max_output"), price, retires=retires)

    @cached_property
    def digest(self) -> str:
        """Of what it tells; the same for the same list, whatever day it names."""
        told = json.dumps([self.same_models, self.retires, self.rows], sort_keys=True, default=dict)
        return hashlib.sha256(told.encode()).hexdigest()

    def as_data(self, generated: str) -> dict[str, Any]:
        """The list in the form of ``data/models.json``, of a day."""
        told: dict[str, Any] = {"generated": generated, "sources": [{"name": self.source}]}
        return told | {"same_models": dict(self.same_models), "retires": dict(self.retires), "models": dict(self.rows)}


def read_list(content: bytes, source: str, day: str) -> PriceList:
    """A list of prices, checked as a whole: one wrong value refuses all of it.

    Args:
        content: JSON.
        source: where it is from, told in errors and kept with the list.
        day: whose prices are wanted, as an ISO date, where a list tells of several.

    Raises:
        ConfigurationError: with the path of the first value that cannot be meant.
    """
    try:
        data = json.loads(content, parse_constant=_refuse_constant, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"is no JSON: {error}", path=source) from None
    if isinstance(data, list):
        data = {"models": dict(rows_of_genai(data, source, day)), "same_models": same_models()}
    if isinstance(data, Mapping) and isinstance(data.get("models"), Mapping):
        rows = {key: _checked(key, row, f"{source}: models[{key!r}]") for key, row in data["models"].items()}
        same, retires = (_texts(data.get(name), f"{source}: {name}") for name in ("same_models", "retires"))
        found = PriceList(rows, same, retires, source)
    elif isinstance(data, Mapping) and isinstance(data.get("data"), list):
        found = PriceList(dict(_from_openrouter(data["data"], source)), {}, {}, source)
    else:
        told = (
            "it must be a table with models (see docs/revisions.md), genai-prices' list of providers, or OpenRouter's with data"
        )
        raise ConfigurationError(f"is no list of prices: {told}.", path=source)
    if not any(row.get("prices") for row in found.rows.values()):
        raise ConfigurationError("tells no price at all.", path=source)
    return found


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is no number")


def _texts(given: Any, path: str) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(value, str) for value in given.values()):
        raise ConfigurationError("must be a table of texts.", path=path)
    return dict(given)


def _checked(key: str, row: Any, path: str) -> dict[str, Any]:
    """A row of our own form, with what is looked at here."""
    provider, colon, name = key.partition(":")
    if not (provider and colon and name):
        raise ConfigurationError("must be named 'provider:model'.", path=path)
    if not isinstance(row, Mapping):
        raise ConfigurationError(f"must be a table, not {row!r}.", path=path)
    told: dict[str, Any] = {}
    for field in ("context", "max_output"):
        if row.get(field) is not None:
            told[field] = _whole(row[field], f"{path}.{field}", least=1, most=_LARGEST_COUNT)
    if row.get("prices") is not None:
        told["prices"] = _rates(row["prices"], f"{path}.prices")
    for field in ("tiers", "hours"):
        if row.get(field) is not None:
            told[field] = [_part(field, each, f"{path}.{field}[{n}]") for n, each in enumerate(_list(row[field], path, field))]
    if row.get("service_tiers") is not None:
        told["service_tiers"] = dict(_services(row["service_tiers"], f"{path}.service_tiers"))
    if row.get("matches") is not None:
        told["matches"] = [str(each) for each in _list(row["matches"], path, "matches")]
    return told


def _list(given: Any, path: str, field: str) -> list[Any]:
    if not isinstance(given, list):
        raise ConfigurationError(f"must be a list, not {given!r}.", path=f"{path}.{field}")
    return given


def _services(given: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Prices by tier of service."""
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"must be a table, not {given!r}.", path=path)
    for name, told in given.items():
        refuse_unknown(name, SERVICE_TIERS, path, "tier of service")
        yield name, _service(told, f"{path}.{name}")


def _service(given: Any, path: str) -> dict[str, Any]:
    """Prices of a tier of service."""
    told: dict[str, Any] = dict(_rates(given, path))
    if given.get("tiers") is not None:
        longer = _list(given["tiers"], path, "tiers")
        told["tiers"] = [_part("tiers", each, f"{path}.tiers[{number}]") for number, each in enumerate(longer)]
    return told


def _part(kind: str, given: Any, path: str) -> dict[str, Any]:
    """A tier for long prompts, or a window of the day."""
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"must be a table, not {given!r}.", path=path)
    told: dict[str, Any] = dict(_rates({name: given[name] for name in PRICE_KEYS if name in given}, path))
    if kind == "tiers":
        return {"above": _whole(given.get("above"), f"{path}.above", least=1, most=_LARGEST_COUNT), **told}
    for end in ("from", "to"):
        try:
            seconds_of_day(given.get(end))
        except ValueError as error:
            raise ConfigurationError(str(error), path=f"{path}.{end}") from None
        told[end] = given[end]
    return told


def _rates(given: Any, path: str) -> dict[str, int]:
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"must be a table of prices, not {given!r}.", path=path)
    return {
        key: _whole(given[key], f"{path}.{key}", least=0, most=_LARGEST) for key in PRICE_KEYS if given.get(key) is not None
    }


def _whole(value: Any, path: str, *, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ConfigurationError(f"must be a whole number from {least} to {most:,}, not {value!r}.", path=path)
    return value


def _from_openrouter(models: list[Any], source: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, model in enumerate(models):
        path = f"{source}: data[{number}]"
        if not isinstance(model, Mapping) or not isinstance(model.get("id"), str) or not model["id"]:
            raise ConfigurationError("must be a table with an id.", path=path)
        row: dict[str, Any] = {}
        if model.get("context_length"):
            row["context"] = _whole(model["context_length"], f"{path}.context_length", least=1, most=_LARGEST_COUNT)
        top = model.get("top_provider")
        if isinstance(top, Mapping) and top.get("max_completion_tokens"):
            longest = top["max_completion_tokens"]
            row["max_output"] = _whole(longest, f"{path}.top_provider.max_completion_tokens", least=1, most=_LARGEST_COUNT)
        pricing = model.get("pricing")
        if not isinstance(pricing, Mapping):
            raise ConfigurationError(f"must be a table of prices, not {pricing!r}.", path=f"{path}.pricing")
        if str(pricing.get("prompt")) != "-1":  # of a model that chooses others: its price is theirs, and so unknown here
            row["prices"] = dict(_dollars(pricing, f"{path}.pricing"))
        yield f"openrouter:{model['id']}", row


def _dollars(pricing: Mapping[str, Any], path: str) -> Iterator[tuple[str, int]]:
    for key, (ours, pieces) in OPENROUTER_RATES.items():
        if pricing.get(key) is None:
            continue
        try:
            usd = Decimal(str(pricing[key]))
            if not usd.is_finite() or usd < 0 or usd > 1:
                raise ValueError
        except (InvalidOperation, ValueError):
            raise ConfigurationError(f"must be dollars from 0 to 1, not {pricing[key]!r}.", path=f"{path}.{key}") from None
        if not usd and ours not in ("input", "output"):
            continue  # none of its own: reasoning is billed as output, what is cached as input
        nano = usd * NANO * pieces
        yield ours, int(nano.to_integral_value(ROUND_HALF_UP))


def price_changes(models: Mapping[str, Price | None], find: Callable[[str], Price | None]) -> Iterator[PriceChange]:
    """What is other in newer prices, of the models that had a price and still have one.

    Args:
        models: price by name, as it was.
        find: the newer price of a name.
    """
    for name, before in models.items():
        after = find(name) if before is not None else None
        if before is None or after is None or before == after:
            continue
        old = dict(_rates_told(before))
        for key, rate in _rates_told(after):
            if key in old and old[key] != rate:
                yield PriceChange(name, key, old[key], rate)


def _rates_told(price: Price, where: str = "") -> Iterator[tuple[str, int]]:
    """Every rate of a price, named with the tier, the hours and the service that it is for."""
    yield from ((key + where, rate) for key, rate in price.rates.as_data().items())
    for tier in price.tiers:
        yield from ((f"{key}{where} above {tier.above:,}", rate) for key, rate in tier.rates.as_data().items())
    for hours in price.hours:
        yield from _rates_told(hours.price, f"{where} from {clock(hours.begin)} to {clock(hours.end)}")
    for service in price.service_tiers:
        yield from _rates_told(service.price, f"{where} in {service.name}")
