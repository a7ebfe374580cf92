"""What is publicly known of a model: the :class:`ModelCard`, read from the generated file ``data/models.json``.

The file is read when the first card is asked for. It names its sources and the day whose prices it holds; what it does
not know stays unknown. Names are found without regard to case, in their other spellings, and with a date at their end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, cast

from routed_llm.catalog.known import Known, parsed
from routed_llm.catalog.prices import PRICE_KEYS, Hours, Price, Rates, Tier
from routed_llm.catalog.usd import seconds_of_day
from routed_llm.refusing import most_like

__all__ = ["CardSources", "ModelCard", "card_providers", "card_sources", "cards_of", "find_card", "nearest_name"]

#: a snapshot's ending: -2025-08-07, -20250807, @20250807, -001, -latest
_SNAPSHOT = re.compile(r"(-\d{4}-\d{2}-\d{2}|[-@]\d{8}|-\d{3}|-latest)$")
_VERSION = re.compile(r"[-@:.]?(?:v?\d[\d.:-]*|latest|preview)?(?:[-@:.](?:v?\d[\d.:-]*|latest|preview))*")

#: what choosing may know of a public model; place, network and paid capacity depend on who calls it
_KNOWN = (
    "quality", "strengths", "knowledge", "factuality", "agreements", "residency", "languages", "traits", "latency", "limits",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Public facts of a model; None, or a missing ability, is unknown.

    Args:
        provider: the provider, in the words of the provider rows.
        name: the model's name on the wire.
        context: longest prompt in tokens.
        max_output: longest answer in tokens.
        prices: what it costs.
        abilities: what it can (True) and cannot do (False) at its maker's own interface. ``temperature`` tells whether
            it takes sampling parameters. Not to be changed.
        released: day of its release, as an ISO date.
        knowledge: up to when it knows the world.
        status: such as ``deprecated`` or ``beta``.
        note: what to know of the price.
        quality, strengths, factuality, agreements, residency, languages, traits, latency, limits: as in
            :class:`~routed_llm.catalog.deployments.Deployment`, as far as a source of the file tells them.
    """

    provider: str
    name: str
    context: int | None = None
    max_output: int | None = None
    prices: Price | None = None
    abilities: Mapping[str, bool] = field(default_factory=dict, hash=False)
    released: str | None = None
    knowledge: str | None = None
    status: str | None = None
    note: str | None = None
    quality: float | None = None
    strengths: Mapping[str, float] = field(default_factory=dict, hash=False)
    factuality: float | None = None
    agreements: tuple[str, ...] = ()
    residency: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    traits: Mapping[str, str | float | bool] = field(default_factory=dict, hash=False)
    latency: Mapping[str, float] = field(default_factory=dict, hash=False)
    limits: Mapping[str, int] = field(default_factory=dict, hash=False)

    @property
    def full_name(self) -> str:
        """``provider:model``, as routers take it."""
        return f"{self.provider}:{self.name}"

    def known(self) -> Known:
        """What choosing may know of the model, without what is unknown."""
        told = {name: getattr(self, name) for name in _KNOWN}
        return cast("Known", {name: value for name, value in told.items() if value is not None and value not in ((), {})})


class CardSources(NamedTuple):
    """Where the cards come from: the day whose prices they hold, and each source (name, version, license, gives)."""

    generated: str
    sources: tuple[Mapping[str, str], ...]


class _Shelf(NamedTuple):
    """The models of one provider, and the ways to their names (in lower case)."""

    rows: Mapping[str, Mapping[str, Any]]
    spellings: Mapping[str, str]
    prefixes: tuple[tuple[str, str], ...]


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:
    """The whole file. Two threads that come first may both read it; they get equal data."""
    from importlib.resources import files  # costs some ms, and only the first card needs it

    text = (files("routed_llm.catalog") / "data" / "models.json").read_bytes()
    data: dict[str, Any] = json.loads(text)
    by_provider: dict[str, dict[str, Any]] = {}
    for key, row in data.pop("models").items():
        provider, _, name = key.partition(":")
        by_provider.setdefault(provider, {})[name] = row
    data["by_provider"] = by_provider
    return data


@lru_cache(maxsize=64)
def _shelf(provider: str) -> _Shelf:
    data = _data()
    rows = data["by_provider"].get(data["same_models"].get(provider, provider), {})
    spellings: dict[str, str] = {}
    prefixes: list[tuple[str, str]] = []
    for name, row in rows.items():
        for spelling in row.get("matches", ()):
            if spelling.endswith("*"):
                prefixes.append((spelling[:-1], name))
            else:
                spellings[spelling] = name
    spellings.update((name.lower(), name) for name in rows)
    prefixes.sort(key=lambda pair: -len(pair[0]))
    return _Shelf(rows, spellings, tuple(prefixes))


def _price(row: Mapping[str, Any]) -> Price | None:
    prices = row.get("prices")
    if not prices:
        return None
    base = {key: prices[key] for key in PRICE_KEYS if key in prices}

    def over(own: Mapping[str, Any]) -> Rates:
        return Rates(**{**base, **{key: own[key] for key in PRICE_KEYS if key in own}})

    tiers = tuple(Tier(tier["above"], over(tier)) for tier in row.get("tiers", ()))
    hours = tuple(
        Hours(seconds_of_day(window["from"]), seconds_of_day(window["to"]), Price(over(window)))
        for window in row.get("hours", ())
    )
    return Price(Rates(**base), tiers, hours)


def _card(provider: str, name: str, row: Mapping[str, Any]) -> ModelCard:
    return ModelCard(
        provider=provider,
        name=name,
        context=row.get("context"),
        max_output=row.get("max_output"),
        prices=_price(row),
        abilities=dict(row.get("abilities", ())),
        released=row.get("released"),
        status=row.get("status"),
        note=row.get("note"),
        **_known(provider, name, row),
    )


def _known(provider: str, name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """What the row tells for choosing; most rows tell nothing of it."""
    given = {key: row[key] for key in _KNOWN if key in row}
    return dict(parsed(given, f"{provider}:{name}")) if given else {}


def _known_name(shelf: _Shelf, name: str) -> str | None:
    asked = name.lower().removeprefix("models/")  # Gemini lists its models as models/...
    found = shelf.spellings.get(asked) or shelf.spellings.get(_SNAPSHOT.sub("", asked))
    if found is not None:
        return found
    # what follows a known beginning must be a date or a version: "-fast" or "-xyz" is another model, with another price
    # (a fine-tune is named freely behind its base)
    known = ((owner, asked[len(prefix) :]) for prefix, owner in shelf.prefixes if asked.startswith(prefix))
    return next((owner for owner, rest in known if _VERSION.fullmatch(rest) or asked.startswith("ft:")), None)


@lru_cache(maxsize=1024)
def find_card(provider: str, name: str) -> ModelCard | None:
    """The card of a model, or None where nothing is known of it.

    The exact name comes first, then other spellings, then the name without a date at its end, then known beginnings.

    Args:
        provider: name of the provider, in the words of the provider rows (no alias).
        name: the model's name on the wire.
    """
    shelf = _shelf(provider)
    if name in shelf.rows:
        return _card(provider, name, shelf.rows[name])
    known = _known_name(shelf, name)
    return None if known is None else _card(provider, known, shelf.rows[known])


def nearest_name(provider: str, name: str) -> str | None:
    """The known model of a provider whose name is most like ``name``; None where none is."""
    shelf = _shelf(provider)
    near = most_like(name.lower(), shelf.spellings, cutoff=0.6)
    return None if near is None else shelf.spellings[near]


def cards_of(provider: str) -> tuple[ModelCard, ...]:
    """All cards of a provider, by name; empty for a provider without any."""
    return tuple(_card(provider, name, row) for name, row in _shelf(provider).rows.items())


def card_providers() -> tuple[str, ...]:
    """The providers of whose models there are cards, by name."""
    data = _data()
    return tuple(sorted({*data["by_provider"], *data["same_models"]}))


def card_sources() -> CardSources:
    """Which sources the cards come from, and the day whose prices they hold."""
    data = _data()
    return CardSources(data["generated"], tuple(data["sources"]))
