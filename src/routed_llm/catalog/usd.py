"""Money and times of day as users write them, as the integers that sums are made of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, TypedDict

from routed_llm.money import NANO

__all__ = ["DAY", "PRICE_KEYS", "UsdAmount", "UsdPrices", "clock", "nano", "seconds_of_day"]

#: seconds in a day
DAY = 86_400

#: keys of a price, in the order in which they are told
PRICE_KEYS = (
    "input",
    "output",
    "cache_read",
    "cache_write",
    "cache_write_long",
    "audio_input",
    "audio_output",
    "reasoning",
    "request",
    "image",
    "search",
)

UsdAmount = int | float | str | Decimal

#: above this a number is no price but a mistake (and an exponent such as 1e999999 would fill the memory)
_LARGEST_USD = NANO
_CLOCK = re.compile(r"(\d\d?):(\d\d)")


class UsdPrices(TypedDict, total=False):
    """A price in US dollars per million tokens; ``request``, ``image`` (of a prompt) and ``search`` (in the web) by the piece.

    ``tiers`` are prices of longer prompts, such as ``{"above": 200_000, "input": 2.5}``: the highest that a prompt is above
    counts for the whole call. ``hours`` are windows of the day with other prices, such as ``{"from": "16:30", "to": "00:30",
    "input": 0.135}``, in UTC. ``service_tiers`` are other prices by tier of service, such as ``{"flex": {"input": 0.125}}``.
    """

    input: UsdAmount | None
    output: UsdAmount | None
    cache_read: UsdAmount | None
    cache_write: UsdAmount | None
    cache_write_long: UsdAmount | None
    audio_input: UsdAmount | None
    audio_output: UsdAmount | None
    reasoning: UsdAmount | None
    request: UsdAmount | None
    image: UsdAmount | None
    search: UsdAmount | None
    tiers: Sequence[Mapping[str, Any]]
    hours: Sequence[Mapping[str, Any]]
    service_tiers: Mapping[str, Mapping[str, Any]]


def nano(key: str, usd: Any) -> int | None:
    """US dollars as whole nano-dollars, rounded half up where they are finer; None stays None.

    A float counts as it is written: 0.1 is exactly a tenth of a dollar.

    Raises:
        ValueError: for what is no number, negative, infinite or NaN; the message names the key.
    """
    if usd is None:
        return None
    if isinstance(usd, bool) or not isinstance(usd, (int, float, str, Decimal)):
        raise ValueError(f"{key} must be a number of US dollars, not {usd!r}.")
    try:
        amount = Decimal(str(usd))
    except InvalidOperation:
        raise ValueError(f"{key} must be a number of US dollars, not {usd!r}.") from None
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{key} must be a finite number of at least zero, not {usd!r}.")
    if amount > _LARGEST_USD:
        raise ValueError(f"{key} is given in US dollars per million tokens; {usd!r} cannot be meant.")
    if amount.adjusted() < -20:  # far below half a nano-dollar; the exact ratio of 1e-999999 would fill the memory
        return 0
    numerator, denominator = amount.as_integer_ratio()
    return (2 * numerator * NANO + denominator) // (2 * denominator)


def seconds_of_day(text: Any) -> int:
    """A time of day such as ``16:30``, or ``24:00`` for the day's end, as seconds since midnight.

    Raises:
        ValueError: for anything else.
    """
    found = _CLOCK.fullmatch(text) if isinstance(text, str) else None
    hour, minute = (int(found[1]), int(found[2])) if found else (99, 99)
    if minute > 59 or hour * 3600 + minute * 60 > DAY:
        raise ValueError(f"must be a time of day such as '16:30', not {text!r}.")
    return hour * 3600 + minute * 60


def clock(seconds: int) -> str:
    """Seconds since midnight as a time of day: the reverse of :func:`seconds_of_day`."""
    return f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}"
