"""A price as users write it: US dollars by kind of token, others for long prompts, and windows of the day with other prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from routed_llm.catalog.prices import Hours, Price, Rates, ServiceTier, Tier
from routed_llm.catalog.usd import DAY, PRICE_KEYS, nano, seconds_of_day
from routed_llm.errors import ConfigurationError
from routed_llm.refusing import nearest, refuse_unknown
from routed_llm.results import SERVICE_TIERS

__all__ = ["parsed_price", "price_of"]

_EXAMPLE = "{'input': 0.25, 'output': 2.0} (USD per million tokens)"
_TIERS_EXAMPLE = "[{'above': 200_000, 'input': 2.5}]"
_ALL_KEYS = (*PRICE_KEYS, "tiers", "hours", "service_tiers")
_SERVICE_EXAMPLE = "{'flex': {'input': 0.125, 'output': 1.0}}"
#: rates by the piece, which a tier of service leaves as they are
_BY_PIECE = ("request", "image", "search")
_HOURS_EXAMPLE = "[{'from': '16:30', 'to': '00:30', 'input': 0.14}]"


def parsed_price(given: Any, path: str) -> Price | None:
    """The price in an entry: a ``Price``, a mapping of US dollars, or None.

    Raises:
        ConfigurationError: for a negative, infinite or NaN price, or a key that is none; with its path.
    """
    if given is None or isinstance(given, Price):
        return given
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"must be a dict such as {_EXAMPLE}, not {given!r}.", path=path)
    for key in given:
        refuse_unknown(key, _ALL_KEYS, path, "price")
    try:
        return price_of(given, path)
    except ConfigurationError:
        raise
    except (ValueError, TypeError) as error:
        raise ConfigurationError(str(error), path=path) from None


def price_of(usd: Mapping[str, Any], path: str = "price") -> Price:
    """A price from US dollars by the keys of :class:`~routed_llm.catalog.usd.UsdPrices`.

    Raises:
        ValueError: for what is no price; the message names the key.
        TypeError: for a key that is none.
    """
    for key in usd:
        if key not in _ALL_KEYS:
            raise TypeError(f"unknown price {key!r}.{nearest(key, _ALL_KEYS)}")
    base = {key: nano(key, usd[key]) for key in PRICE_KEYS if key in usd}
    longer = _listed(usd.get("tiers"), _TIERS_EXAMPLE, f"{path}.tiers")
    windows = _listed(usd.get("hours"), _HOURS_EXAMPLE, f"{path}.hours")
    tiers = _tiers(longer, base, f"{path}.tiers")
    hours = tuple(_window(window, base, longer, f"{path}.hours[{number}]") for number, window in enumerate(windows))
    _refuse_overlaps(hours, f"{path}.hours")
    return Price(Rates(**base), tiers, hours, _service_tiers(usd.get("service_tiers"), base, f"{path}.service_tiers"))


def _listed(given: Any, example: str, path: str) -> Sequence[Any]:
    if given is not None and (not isinstance(given, Sequence) or isinstance(given, str)):
        raise ConfigurationError(f"must be a list such as {example}, not {given!r}.", path=path)
    return given or ()


def _own(given: Mapping[str, Any], path: str) -> dict[str, int | None]:
    """The rates that a tier or a window says."""
    try:
        own = {key: nano(key, given[key]) for key in PRICE_KEYS if key in given}
    except ValueError as error:
        raise ConfigurationError(str(error), path=path) from None
    if not own:
        raise ConfigurationError("says no price.", path=path)
    return own


def _tiers(given: Sequence[Any], base: Mapping[str, int | None], path: str) -> tuple[Tier, ...]:
    """Rates of long prompts, by rising length; what a tier does not say is as for short ones."""
    found: dict[int, Tier] = {}
    for number, tier in enumerate(given):
        here = f"{path}[{number}]"
        if not isinstance(tier, Mapping):
            raise ConfigurationError(f"must be a dict such as {_TIERS_EXAMPLE[1:-1]}, not {tier!r}.", path=here)
        for key in tier:
            refuse_unknown(key, ("above", *PRICE_KEYS), here)
        above = tier.get("above")
        if type(above) is not int or above < 1:
            raise ConfigurationError(f"must be a whole number of tokens above zero, not {above!r}.", path=f"{here}.above")
        if above in found:
            raise ConfigurationError(f"two tiers begin above {above:,} tokens; a length has one price.", path=here)
        found[above] = Tier(above, Rates(**{**base, **_own(tier, here)}))
    return tuple(found[above] for above in sorted(found))


def _window(window: Any, base: Mapping[str, int | None], longer: Sequence[Any], path: str) -> Hours:
    """One window of the day; what it does not say is as outside of it, tiers (``longer``) too."""
    if not isinstance(window, Mapping):
        raise ConfigurationError(f"must be a dict such as {_HOURS_EXAMPLE[1:-1]}, not {window!r}.", path=path)
    for key in window:
        refuse_unknown(key, ("from", "to", *PRICE_KEYS, "tiers"), path)
    bounds = []
    for key in ("from", "to"):
        try:
            bounds.append(seconds_of_day(window.get(key)))
        except ValueError as error:
            raise ConfigurationError(str(error), path=f"{path}.{key}") from None
    begin, end = bounds
    if begin % DAY == end % DAY:
        raise ConfigurationError("must not begin when it ends; a price of the whole day needs no window.", path=path)
    rates = {**base, **_own(window, path)}
    if window.get("tiers") is not None:
        longer = _listed(window["tiers"], _TIERS_EXAMPLE, f"{path}.tiers")
    return Hours(begin % DAY, end, Price(Rates(**rates), _tiers(longer, rates, f"{path}.tiers")))


def _service_tiers(given: Any, base: Mapping[str, int | None], path: str) -> tuple[ServiceTier, ...]:
    """Prices by tier of service; what one does not say is unknown, but for prices by the piece."""
    if given is None:
        return ()
    if not isinstance(given, Mapping) or not all(isinstance(name, str) and name for name in given):
        raise ConfigurationError(f"must be a dict such as {_SERVICE_EXAMPLE}, not {given!r}.", path=path)
    found = []
    for name, told in given.items():
        here = f"{path}.{name}"
        refuse_unknown(name.lower(), SERVICE_TIERS, path, "tier of service")
        if not isinstance(told, Mapping):
            raise ConfigurationError(f"must be a dict such as {_EXAMPLE}, not {told!r}.", path=here)
        for key in told:
            refuse_unknown(key, (*PRICE_KEYS, "tiers"), here)
        rates = {**{key: base[key] for key in _BY_PIECE if key in base}, **_own(told, here)}
        longer = _listed(told.get("tiers"), _TIERS_EXAMPLE, f"{here}.tiers")
        found.append(ServiceTier(name.lower(), Price(Rates(**rates), _tiers(longer, rates, f"{here}.tiers"))))
    return tuple(found)


def _refuse_overlaps(hours: Sequence[Hours], path: str) -> None:
    for number, window in enumerate(hours):
        for earlier in hours[:number]:
            if window.hold(earlier.begin) or earlier.hold(window.begin):
                raise ConfigurationError("two windows share some time; a time has one price.", path=f"{path}[{number}]")
