"""genai-prices (MIT): prices with their tiers and hours, windows, and the spellings of names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from genai_prices import types as priced

__all__ = ["RATES", "by_hours", "price_row", "rates_of", "spellings"]

Row = dict[str, Any]

#: genai-prices' key -> ours; all in US dollars per million tokens
RATES = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_long",
    "input_audio_mtok": "audio_input",
    "output_audio_mtok": "audio_output",
    "cache_audio_read_mtok": "cache_read_audio",
    "output_reasoning_mtok": "reasoning",
}

#: minutes between two looks at the prices of a day
STEP = 5


def nano(usd: Decimal, per: int = 1) -> int:
    """US dollars as whole nano-dollars; the few prices that are finer (thirds and the like) are rounded half up."""
    return int((usd * 1_000_000_000 / per).to_integral_value(ROUND_HALF_UP))


def by_hours(model: priced.ModelInfo, day: date) -> tuple[priced.ModelPrice, list[tuple[int, int, priced.ModelPrice]]]:
    """The price on a day, and the windows of the day (begin and end in minutes) that have another.

    Where the price varies by the time of day, the dearest is the one outside of the windows: whoever does not look at the
    clock gets an upper bound.
    """
    if not isinstance(model.prices, list):
        return model.get_prices(datetime.combine(day, time(12), UTC)), []
    options = [model.get_prices(datetime.combine(day, time(*divmod(minute, 60)), UTC)) for minute in range(0, 1440, STEP)]
    dearest = max(options, key=lambda p: [peak(p, k) for k in ("input_mtok", "output_mtok")])
    starts = [i for i, option in enumerate(options) if option != options[i - 1]]  # the day is a circle
    runs = [(begin, starts[(n + 1) % len(starts)], options[begin]) for n, begin in enumerate(starts)]
    return dearest, [(begin * STEP, end * STEP, price) for begin, end, price in runs if price != dearest]


def peak(price: priced.ModelPrice, key: str) -> Decimal:
    """A rate for comparing; of tiers the first."""
    value = getattr(price, key) or Decimal(0)
    return value.base if isinstance(value, priced.TieredPrices) else value


def rates_of(price: priced.ModelPrice) -> tuple[Row, list[Row]]:
    """Flat rates and tiers of a price, in nano-dollars per million tokens."""
    flat: Row = {}
    tiers: dict[int, Row] = {}
    for theirs, ours in RATES.items():
        value = getattr(price, theirs, None)
        if isinstance(value, priced.TieredPrices):
            flat[ours] = nano(value.base)
            for tier in value.tiers:
                tiers.setdefault(tier.start, {})[ours] = nano(tier.price)
        elif value is not None:
            flat[ours] = nano(value)
    if (requests := getattr(price, "requests_kcount", None)) is not None:
        flat["request"] = nano(requests, per=1000)
    return flat, [{"above": above, **tiers[above]} for above in sorted(tiers)]


def spellings(match: Any, name: str) -> Iterator[str]:
    """The simple spellings of a model's name; a trailing ``*`` stands for any ending."""
    if isinstance(match, priced.ClauseOr):
        for part in match.or_:
            yield from spellings(part, name)
    elif isinstance(match, priced.ClauseEquals) and match.equals != name:
        yield match.equals
    elif isinstance(match, priced.ClauseStartsWith):
        yield match.starts_with + "*"


def price_row(model: priced.ModelInfo | None, name: str, day: date) -> Row:
    """What genai-prices knows of a model."""
    if model is None:
        return {}
    price, windows = by_hours(model, day)
    prices, tiers = rates_of(price)
    if not prices and name.endswith(":free"):
        prices = {"input": 0, "output": 0}  # OpenRouter's own mark; other models without a price are unknown
    row: Row = {"context": model.context_window, "prices": prices, "tiers": tiers}
    if model.deprecated:
        row["status"] = "deprecated"
    if windows:
        row["hours"] = [{"from": clock(begin), "to": clock(end), **rates_of(other)[0]} for begin, end, other in windows]
        row["note"] = "the price varies by the time of day"
        if "weekends" in (model.price_comments or "").lower():
            row["note"] += "; weekends are counted like other days, which is an upper bound"
    return row


def clock(minutes: int) -> str:
    """Minutes since midnight as ``16:30``."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
