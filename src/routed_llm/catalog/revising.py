"""Other prices and other facts for deployments of a catalog, which itself is never changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from typing import Any

from routed_llm.catalog.cards import ModelCard
from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.known import Known
from routed_llm.catalog.models import Model
from routed_llm.catalog.price_words import parsed_price
from routed_llm.catalog.prices import Hours, Price, Rates, Tier
from routed_llm.catalog.snapshot import Catalog
from routed_llm.errors import ConfigurationError
from routed_llm.refusing import nearest, refuse_unknown

__all__ = ["CARD_FIELDS", "carded", "changed", "informed", "meant", "repriced", "said_of"]

#: what can be said anew of a deployment, beside its price
CARD_FIELDS = ("context", "max_output", "abilities", "tags", "weight", *Known.__annotations__)


def meant(catalog: Catalog, name: Any, path: str, names: Callable[[Deployment], Iterable[str]]) -> list[Deployment]:
    """The deployments that a name means.

    Raises:
        ConfigurationError: where it means nobody; the message names the nearest one.
    """
    found = [d for d in catalog.deployments if name in names(d)]
    if not found:
        known = sorted({each for d in catalog.deployments for each in names(d)})
        raise ConfigurationError(
            f"{name!r} is no name of a model here.{nearest(name, known)} There are: {', '.join(catalog.models)}.", path=path
        )
    return found


def repriced(catalog: Catalog, prices: Any) -> dict[str, dict[str, Any]]:
    """New prices by the ids of deployments.

    Args:
        catalog: whose deployments are meant.
        prices: model, alias or deployment -> price in US dollars, as :class:`~routed_llm.Model` takes it; None is unknown.

    Raises:
        ConfigurationError: for a name that means nobody, and for what is no price.
    """
    if not isinstance(prices, Mapping):
        told = "must be a table of prices by the names of models, such as {'gpt-5': {'input': 0.5, 'output': 2}}"
        raise ConfigurationError(f"{told}, not {prices!r}.", path="prices")
    found: dict[str, dict[str, Any]] = {}
    for name, given in prices.items():
        path = f"prices[{name!r}]"
        if not (given is None or isinstance(given, (Mapping, Price))):
            raise ConfigurationError(f"must be a table such as {{'input': 0.5, 'output': 2}}, not {given!r}.", path=path)
        price = parsed_price(given, path)
        found.update((d.id, {"price": price}) for d in meant(catalog, name, "prices", _names))
    return found


def carded(catalog: Catalog, cards: Any) -> dict[str, dict[str, Any]]:
    """New facts by the ids of deployments.

    Args:
        catalog: whose deployments are meant.
        cards: model, alias or deployment -> :data:`CARD_FIELDS`, as :class:`~routed_llm.Model` takes them; None is unknown.

    Raises:
        ConfigurationError: for a name that means nobody, and for what cannot be meant.
    """
    if not isinstance(cards, Mapping):
        told = "must be a table of facts by the names of models, such as {'gpt-5': {'quality': 0.8}}"
        raise ConfigurationError(f"{told}, not {cards!r}.", path="cards")
    found: dict[str, dict[str, Any]] = {}
    for name, given in cards.items():
        path = f"cards[{name!r}]"
        if not isinstance(given, Mapping):
            raise ConfigurationError(f"must be a table such as {{'quality': 0.8}}, not {given!r}.", path=path)
        for key in given:
            refuse_unknown(key, CARD_FIELDS, path)
        for deployment in meant(catalog, name, "cards", _names):
            found.setdefault(deployment.id, {}).update(_facts(deployment, given, path))
    return found


def _facts(deployment: Deployment, given: Mapping[str, Any], path: str) -> dict[str, Any]:
    entry = Model(**{name: value for name, value in given.items() if value is not None})
    entry.check(path)
    facts: dict[str, Any] = {name: _unknown(getattr(deployment, name)) for name in given}
    facts.update(entry.known(path))
    for name in ("context", "max_output", "weight"):
        if name in given:
            facts[name] = getattr(entry, name)
    if "tags" in given:
        facts["tags"] = tuple([entry.tags] if isinstance(entry.tags, str) else entry.tags)
    if "abilities" in given:
        facts["abilities"] = {**deployment.abilities, **entry.parsed_abilities(path)}
    if "retires" in facts:
        facts["retires"] = facts["retires"] or None  # False says that no known day counts
    return facts


def _unknown(value: Any) -> Any:
    return {} if isinstance(value, Mapping) else () if isinstance(value, tuple) else None


def informed(deployments: Iterable[Deployment], find: Callable[[str, str], ModelCard | None]) -> dict[str, dict[str, Any]]:
    """What newer cards tell by the ids of deployments: prices, windows, and all else that they know.

    What a user said of a deployment stays; so does what a card does not tell, single rates of a price included.

    Args:
        deployments: that are looked up.
        find: the card of a model, by provider and name on the wire.
    """
    found: dict[str, dict[str, Any]] = {}
    for deployment in deployments:
        card = find(deployment.provider, deployment.served_model)
        if card is None:
            continue
        told = {
            "price": _newer(deployment.price, card.prices),
            "context": card.context,
            "max_output": card.max_output,
            **card.known(),
        }
        new = {name: value for name, value in told.items() if value is not None and name not in deployment.said}
        new = {name: value for name, value in new.items() if value != getattr(deployment, name)}
        if new:
            found[deployment.id] = new
    return found


def _newer(old: Price | None, new: Price | None) -> Price | None:
    """A newer price, with the rates that it does not tell (of cached tokens, of searches ...) as they were."""
    if old is None or new is None:
        return new
    known = old.rates.as_data()

    def over(rates: Rates) -> Rates:
        return Rates(**{**known, **rates.as_data()})

    def whole(price: Price) -> Price:
        tiers = tuple(Tier(tier.above, over(tier.rates)) for tier in price.tiers)
        hours = tuple(Hours(h.begin, h.end, whole(h.price)) for h in price.hours)
        return Price(over(price.rates), tiers, hours, price.service_tiers or old.service_tiers)

    return whole(new)


def changed(
    deployments: Iterable[Deployment], facts: Mapping[str, Mapping[str, Any]], *, said: bool = False
) -> Iterator[Deployment]:
    """The deployments, with a copy in the place of each of which there are new facts.

    Args:
        deployments: of a catalog.
        facts: by the deployment's id and the name of the fact.
        said: whether a user says them, so that no newer card changes them.
    """
    for deployment in deployments:
        new = facts.get(deployment.id)
        if new:
            deployment = copy(deployment)
            for name, value in new.items():
                setattr(deployment, name, value)
            if said:
                deployment.said = frozenset((*deployment.said, *new))
        yield deployment


def said_of(entry: Model, path: str) -> frozenset[str]:
    """What a user says of a model that a card could tell as well."""
    plain = (name for name in ("price", "context", "max_output") if getattr(entry, name) is not None)
    return frozenset((*plain, *entry.known(path)))


def _names(deployment: Deployment) -> Iterable[str]:
    return deployment.names
