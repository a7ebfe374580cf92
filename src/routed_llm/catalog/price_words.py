"""A price as users write it: US dollars by kind of token, and windows of the day with other prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from routed_llm.catalog.prices import Hours, Price, Rates
from routed_llm.catalog.refusing import nearest, refuse_unknown
from routed_llm.catalog.usd import DAY, PRICE_KEYS, nano, seconds_of_day
from routed_llm.errors import ConfigurationError

__all__ = ["parsed_price", "price_of"]

_EXAMPLE = "{'input': 0.25, 'output': 2.0} (USD per million tokens)"
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
        refuse_unknown(key, (*PRICE_KEYS, "hours"), path, "price")
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
        if key not in PRICE_KEYS and key != "hours":
            raise TypeError(f"unknown price {key!r}.{nearest(key, (*PRICE_KEYS, 'hours'))}")
    base = {key: nano(key, usd[key]) for key in PRICE_KEYS if key in usd}
    windows = usd.get("hours") or ()
    if not isinstance(windows, Sequence) or isinstance(windows, str):
        raise ConfigurationError(f"must be a list such as {_HOURS_EXAMPLE}, not {windows!r}.", path=f"{path}.hours")
    hours = tuple(_window(window, base, f"{path}.hours[{number}]") for number, window in enumerate(windows))
    _refuse_overlaps(hours, f"{path}.hours")
    return Price(Rates(**base), (), hours)


def _window(window: Any, base: Mapping[str, int | None], path: str) -> Hours:
    """One window of the day; what it does not say is as outside of it."""
    if not isinstance(window, Mapping):
        raise ConfigurationError(f"must be a dict such as {_HOURS_EXAMPLE[1:-1]}, not {window!r}.", path=path)
    for key in window:
        refuse_unknown(key, ("from", "to", *PRICE_KEYS), path)
    bounds = []
    for key in ("from", "to"):
        try:
            bounds.append(seconds_of_day(window.get(key)))
        except ValueError as error:
            raise ConfigurationError(str(error), path=f"{path}.{key}") from None
    begin, end = bounds
    if begin % DAY == end % DAY:
        raise ConfigurationError("must not begin when it ends; a price of the whole day needs no window.", path=path)
    try:
        own = {key: nano(key, window[key]) for key in PRICE_KEYS if key in window}
    except ValueError as error:
        raise ConfigurationError(str(error), path=path) from None
    if not own:
        raise ConfigurationError("says no price.", path=path)
    return Hours(begin % DAY, end, Price(Rates(**{**base, **own})))


def _refuse_overlaps(hours: Sequence[Hours], path: str) -> None:
    for number, window in enumerate(hours):
        for earlier in hours[:number]:
            if window.hold(earlier.begin) or earlier.hold(window.begin):
                raise ConfigurationError("two windows share some time; a time has one price.", path=f"{path}[{number}]")
