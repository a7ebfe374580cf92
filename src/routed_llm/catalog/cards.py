"""What is publicly known of a model: the :class:`ModelCard`, read from the generated file ``data/models.json``.

The file is read when the first card is asked for. It names its sources and the day whose prices it holds; what it does
not know stays unknown. Names are found without regard to case, in their other spellings, and with a date at their end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, cast

from routed_llm.catalog.known import Known, parsed
from routed_llm.catalog.prices import PRICE_KEYS, Hours, Price, Rates, ServiceTier, Tier
from routed_llm.catalog.usd import seconds_of_day
from routed_llm.refusing import most_like

__all__ = [
    "CardSources", "ModelCard", "Shelf", "card_providers", "card_sources", "cards_of", "find_card", "known_name",
    "nearest_name", "price_of_row", "same_models", "shelf_of",
]  # fmt: skip

#: a snapshot's ending: -2025-08-07, -20250807, @20250807, -001, -latest
_SNAPSHOT = re.compile(r"(-\d{4}-\d{2}-\d{2}|[-@]\d{8}|-\d{3}|-latest)$")
_VERSION = re.compile(r"[-@:.]?(?:v?\d[\d.:-]*|latest|preview)?(?:[-@:.](?:v?\d[\d.:-]*|latest|preview))*")

#: who serves another provider's models (``same_models``) but searches by itself: nano-dollars of one search (litellm's table:
#: 14 dollars for a thousand at Azure)
_OWN_SEARCH = {"azure_openai": 14_000_000}

#: what choosing may know of a public model; place, network and paid capacity depend on who calls it
_KNOWN = (
    "quality", "strengths", "knowledge", "factuality", "agreements", "residency", "languages", "traits", "latency", "limits",
    "usage_policy", "retires",
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
        retires: day from which this very name is not served any more, as an ISO date.
        quality, strengths, factuality, agreements, residency, languages, traits, latency, limits, usage_policy: as in
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
    usage_policy: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    retires: str | None = None

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


class Shelf(NamedTuple):
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
def _shelf(provider: str) -> Shelf:
    data = _data()
    return shelf_of(data["by_provider"].get(data["same_models"].get(provider, provider), {}))


def shelf_of(rows: Mapping[str, Mapping[str, Any]]) -> Shelf:
    """The models of one provider by their names on the wire, with all ways to these names."""
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
    return Shelf(rows, spellings, tuple(prefixes))


def price_of_row(row: Mapping[str, Any], provider: str) -> Price | None:
    """The price in a row of the file, at a provider that serves the model; None where it tells none."""
    prices = row.get("prices")
    if not prices:
        return None
    base = {key: prices[key] for key in PRICE_KEYS if key in prices}
    if "search" in base and provider in _OWN_SEARCH:
        base["search"] = _OWN_SEARCH[provider]

    def over(own: Mapping[str, Any]) -> Rates:
        return Rates(**{**base, **{key: own[key] for key in PRICE_KEYS if key in own}})

    tiers = tuple(Tier(tier["above"], over(tier)) for tier in row.get("tiers", ()))
    hours = tuple(
        Hours(seconds_of_day(window["from"]), seconds_of_day(window["to"]), Price(over(window)))
        for window in row.get("hours", ())
    )
    return Price(Rates(**base), tiers, hours, tuple(_service_tiers(row, base)))


def _service_tiers(row: Mapping[str, Any], base: Mapping[str, int]) -> Iterator[ServiceTier]:
    """Other prices by tier of service; those by the piece are the same."""
    by_piece = {key: base[key] for key in ("request", "image", "search") if key in base}
    for name, own in row.get("service_tiers", {}).items():
        rates = {**by_piece, **{key: own[key] for key in PRICE_KEYS if key in own}}
        longer = ({**rates, **{key: tier[key] for key in PRICE_KEYS if key in tier}} for tier in own.get("tiers", ()))
        tiers = tuple(Tier(tier["above"], Rates(**told)) for tier, told in zip(own.get("tiers", ()), longer, strict=True))
        yield ServiceTier(name, Price(Rates(**rates), tiers))


def _card(provider: str, name: str, row: Mapping[str, Any], asked: str) -> ModelCard:
    return ModelCard(
        provider=provider,
        name=name,
        context=row.get("context"),
        max_output=row.get("max_output"),
        prices=price_of_row(row, provider),
        abilities=dict(row.get("abilities", ())),
        released=row.get("released"),
        status=row.get("status"),
        note=row.get("note"),
        **_known(provider, name, row, asked),
    )


def _known(provider: str, name: str, row: Mapping[str, Any], asked: str) -> dict[str, Any]:
    """What the file tells for choosing: of the row, of the model wherever it runs, and of the provider.

    A last day is that of the very name that is asked for: a name without a date may outlive the versions behind it.
    """
    data = _data()
    given = {**data["scores"].get(row.get("scores"), {}), **{key: row[key] for key in _KNOWN if key in row}}
    if agreements := data["agreements"].get(provider):
        given["agreements"] = agreements
    if retires := data["retires"].get(f"{provider}:{_exact(asked)}"):
        given["retires"] = retires
    return dict(parsed(given, f"{provider}:{name}")) if given else {}


def _exact(name: str) -> str:
    """A name without regard to case; Gemini lists its models as models/..., and a fine-tune ends with its base."""
    asked = name.lower().removeprefix("models/")
    return ":".join(asked.split(":")[:2]) if asked.startswith("ft:") else asked


def known_name(shelf: Shelf, name: str) -> str | None:
    """The name under which a shelf has a model that is asked for by another spelling; None where it has none."""
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
        return _card(provider, name, shelf.rows[name], name)
    known = known_name(shelf, name)
    return None if known is None else _card(provider, known, shelf.rows[known], name)


def nearest_name(provider: str, name: str) -> str | None:
    """The known model of a provider whose name is most like ``name``; None where none is."""
    shelf = _shelf(provider)
    near = most_like(name.lower(), shelf.spellings, cutoff=0.6)
    return None if near is None else shelf.spellings[near]


def cards_of(provider: str) -> tuple[ModelCard, ...]:
    """All cards of a provider, by name; empty for a provider without any."""
    return tuple(_card(provider, name, row, name) for name, row in _shelf(provider).rows.items())


def card_providers() -> tuple[str, ...]:
    """The providers of whose models there are cards, by name."""
    data = _data()
    return tuple(sorted({*data["by_provider"], *data["same_models"]}))


def same_models() -> Mapping[str, str]:
    """Provider -> the provider whose models it serves under the same names and prices."""
    told: Mapping[str, str] = _data()["same_models"]
    return told


def card_sources() -> CardSources:
    """Which sources the cards come from, and the day whose prices they hold."""
    data = _data()
    return CardSources(data["generated"], tuple(data["sources"]))
