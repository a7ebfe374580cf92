"""What a model's tokens cost, in integers: nano-dollars per million tokens, so that every sum is exact.

One US dollar is 1,000,000,000 nano-dollars. Tokens times rates are added up first and divided once, rounding half up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Unpack

from routed_llm.catalog.usd import PRICE_KEYS, UsdAmount, UsdPrices

__all__ = ["PRICE_KEYS", "Countable", "Hours", "Price", "Rates", "ServiceTier", "Tier", "UsdAmount"]

_MILLION = 1_000_000
_HALF = 500_000


class Countable(Protocol):
    """Tokens of one call, as :class:`routed_llm.results.Usage` counts them: all of them integers."""

    @property
    def input_tokens(self) -> int:
        """All tokens of the prompt, with cached and audio ones."""

    @property
    def output_tokens(self) -> int:
        """All tokens of the answer, with reasoning and audio ones."""

    @property
    def cache_read(self) -> int:
        """Part of the input that was read from a cache."""

    @property
    def cache_write(self) -> int:
        """Part of the input that was written to a cache."""

    @property
    def cache_write_long(self) -> int:
        """Part of the cache write that is kept for longer, at another price."""

    @property
    def searches(self) -> int:
        """Searches in the web that the provider made."""

    @property
    def service_tier(self) -> str:
        """The tier in which the provider served the call, where it is billed otherwise (``flex``); empty for the usual one."""

    @property
    def reasoning(self) -> int:
        """Part of the output that was reasoning."""

    @property
    def audio_input(self) -> int:
        """Part of the input that was audio."""

    @property
    def audio_output(self) -> int:
        """Part of the output that was audio."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices by kind of token, in nano-dollars per million tokens; None is unknown, and unknown is never zero.

    Args:
        input: a token of the prompt.
        output: a token of the answer.
        cache_read: a token of the prompt read from a cache; unknown: as ``input``.
        cache_write: a token of the prompt written to a cache; unknown: as ``input``.
        cache_write_long: one that is kept for an hour; unknown: twice ``input``, as Anthropic bills it, which alone has such
            (Claude documentation, prompt caching: 1.25 times ``input`` for five minutes, twice for an hour).
        audio_input: an audio token of the prompt; unknown: as ``input``.
        audio_output: an audio token of the answer; unknown: as ``output``.
        reasoning: a reasoning token; unknown: as ``output``.
        request: nano-dollars for every request, whatever its length; None where there is no such price.
        image: nano-dollars for every image of the prompt, beside the tokens that it counts as; None where there is no such
            price, and an image costs its tokens alone.
        search: nano-dollars for every search in the web that the provider makes for an answer.
    """

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_long: int | None = None
    audio_input: int | None = None
    audio_output: int | None = None
    reasoning: int | None = None
    request: int | None = None
    image: int | None = None
    search: int | None = None

    def cost(self, usage: Countable) -> int | None:
        """Nano-dollars of one call, or None where a rate that it needs is unknown."""
        cached, written, heard = usage.cache_read, usage.cache_write, usage.audio_input
        spoken, thought = usage.audio_output, usage.reasoning
        long, searches = min(usage.cache_write_long, written), usage.searches
        if not (cached or written or heard or spoken or thought or searches):
            return self.estimate(usage.input_tokens, usage.output_tokens)
        if thought and self.reasoning is None:
            thought = 0  # it costs what the rest of the answer costs
        left = max(0, usage.input_tokens - cached - written)
        heard = min(heard, left)  # cached audio is counted in both by some providers: bill it once, as cached
        total = 0
        for count, special, plain in (
            (left - heard, None, self.input),
            (cached, self.cache_read, self.input),
            (written - long, self.cache_write, self.input),
            (long, self.cache_write_long, None if self.input is None else 2 * self.input),
            (heard, self.audio_input, self.input),
            (max(0, usage.output_tokens - spoken - thought), None, self.output),
            (spoken, self.audio_output, self.output),
            (thought, self.reasoning, self.output),
        ):
            if count:
                rate = plain if special is None else special
                if rate is None:
                    return None
                total += count * rate
        if searches and self.search is None:
            return None
        return (total + _HALF) // _MILLION + (self.request or 0) + searches * (self.search or 0)

    def estimate(self, input_tokens: int, output_tokens: int) -> int | None:
        """Nano-dollars of plain tokens: nothing cached, no audio; None where a rate that is needed is unknown."""
        rate_in, rate_out = self.input, self.output
        if rate_in is None:
            if input_tokens:
                return None
            rate_in = 0
        if rate_out is None:
            if output_tokens:
                return None
            rate_out = 0
        return (input_tokens * rate_in + output_tokens * rate_out + _HALF) // _MILLION + (self.request or 0)

    def expected(self, input_tokens: int, output_tokens: int, cached: int = 0, images: int = 0) -> int | None:
        """Nano-dollars of a call of which ``cached`` tokens of the prompt come from a cache; see :meth:`Price.expected`."""
        rate = self.cache_read
        if rate is None or cached <= 0:
            rate, cached = 0, 0
        cached = min(cached, input_tokens)
        plain, rate_in, rate_out = input_tokens - cached, self.input, self.output
        if (rate_in is None and plain) or (rate_out is None and output_tokens):
            return None
        total = plain * (rate_in or 0) + cached * rate + output_tokens * (rate_out or 0)
        return (total + _HALF) // _MILLION + (self.request or 0) + images * (self.image or 0)

    def as_data(self) -> dict[str, int]:
        """The rates that are known, by name, in nano-dollars."""
        return {key: rate for key in PRICE_KEYS if (rate := getattr(self, key)) is not None}


@dataclass(frozen=True, slots=True)
class Tier:
    """The rates of a call whose prompt is longer than ``above`` tokens; they count for all of its tokens."""

    above: int
    rates: Rates


@dataclass(frozen=True, slots=True)
class Hours:
    """A window of the day, in UTC, that has a price of its own.

    Args:
        begin: seconds since midnight, the first that counts.
        end: seconds since midnight, the first that does not count any more; before ``begin`` when the window holds midnight.
        price: what counts within.
    """

    begin: int
    end: int
    price: Price

    def hold(self, seconds: float) -> bool:
        """Whether a time of day, in seconds since midnight UTC, lies within."""
        if self.begin <= self.end:
            return self.begin <= seconds < self.end
        return seconds >= self.begin or seconds < self.end


@dataclass(frozen=True, slots=True)
class ServiceTier:
    """A tier in which a provider serves calls at another price, such as ``flex``, ``priority`` or ``batch``."""

    name: str
    price: Price


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs: its rates, others for long prompts, at some hours of the day, and in other tiers of service.

    Args:
        rates: the rates of a prompt that no tier is for.
        tiers: rates of longer prompts, by rising ``above``. The highest that applies counts for the whole call, as
            OpenAI, Anthropic, Google and xAI bill it.
        hours: windows of the day with other prices; the first that holds the time counts. Whoever does not say a time gets
            the price outside of all windows.
        service_tiers: tiers of service with other prices. An answer tells in which it was served; the cost in a tier that is
            not listed is unknown. What is expected of a call is the usual price.
    """

    rates: Rates
    tiers: tuple[Tier, ...] = ()
    hours: tuple[Hours, ...] = ()
    service_tiers: tuple[ServiceTier, ...] = ()

    def at(self, seconds_of_day: float) -> Price:
        """The price at a time of day, in seconds since midnight UTC."""
        for window in self.hours:
            if window.hold(seconds_of_day):
                return window.price
        return self

    def rates_for(self, input_tokens: int) -> Rates:
        """The rates of a call with so many tokens in its prompt."""
        for tier in reversed(self.tiers):
            if input_tokens > tier.above:
                return tier.rates
        return self.rates

    def cost(self, usage: Countable, *, time_of_day: float | None = None, images: int = 0) -> int | None:
        """What a call cost, in nano-dollars; None where a rate that it needs is unknown.

        Args:
            usage: its tokens.
            time_of_day: when it was answered, in seconds since midnight UTC; counts where prices change with the time.
            images: number of images in its prompt; counts where images have a price.
        """
        if usage.service_tier:
            served = next((each.price for each in self.service_tiers if each.name == usage.service_tier), None)
            if served is None:
                return None
            price = served
        elif not (images or self.hours or self.tiers):
            return self.rates.cost(usage)  # nearly every call
        else:
            price = self.at(time_of_day) if time_of_day is not None else self
        rates = price.rates_for(usage.input_tokens) if price.tiers else price.rates
        cost = rates.cost(usage)
        if images and cost is not None:
            cost += images * (rates.image or 0)
        return cost

    def estimate(self, input_tokens: int, output_tokens: int) -> int | None:
        """What a call of so many tokens costs if nothing is cached, in nano-dollars; None where a rate is unknown."""
        return (self.rates_for(input_tokens) if self.tiers else self.rates).estimate(input_tokens, output_tokens)

    def expected(
        self, input_tokens: int, output_tokens: int, *, cached: int = 0, images: int = 0, time_of_day: float | None = None
    ) -> int | None:
        """What a call is expected to cost, in nano-dollars; None where a rate that it needs is unknown.

        Args:
            input_tokens: all tokens of the prompt, with cached ones.
            output_tokens: tokens of the answer.
            cached: how many of the prompt's tokens are expected to be read from a cache; they cost what an input token costs
                where no other rate is known.
            images: number of images in the prompt; each costs ``image`` where there is such a price.
            time_of_day: seconds since midnight UTC.
        """
        price = self if time_of_day is None or not self.hours else self.at(time_of_day)
        rates = price.rates_for(input_tokens) if price.tiers else price.rates
        if cached or images:
            return rates.expected(input_tokens, output_tokens, cached, images)
        return rates.estimate(input_tokens, output_tokens)

    @classmethod
    def from_usd(cls, **usd: Unpack[UsdPrices]) -> Price:
        """A price in US dollars per million tokens (``request``: per request, ``image``: per image, ``search``: per search).

        A float counts as it is written: 0.1 is exactly a tenth of a dollar. ``tiers`` are prices of prompts ``above`` a number
        of tokens, ``hours`` windows of the day, in UTC; what a tier or a window does not say is as without it.
        ``service_tiers`` are prices of ``flex``, ``priority`` or ``batch``.

        >>> Price.from_usd(input=0.27, output=1.1, hours=[{"from": "16:30", "to": "00:30", "input": 0.135}]).at(0).rates.input
        135000000

        Raises:
            ValueError: for a key that is none, and for what is no number, negative, infinite or NaN; the message names the key.
        """
        from routed_llm.catalog.price_words import price_of  # it makes prices, so it comes after this module

        return price_of(usd)

    def as_data(self) -> dict[str, Any]:
        """The price as plain data: whole nano-dollars, and seconds of the day."""
        told: dict[str, Any] = {"rates": self.rates.as_data()}
        if self.tiers:
            told["tiers"] = [{"above": tier.above, "rates": tier.rates.as_data()} for tier in self.tiers]
        if self.hours:
            told["hours"] = [{"begin": h.begin, "end": h.end, "price": h.price.as_data()} for h in self.hours]
        if self.service_tiers:
            told["service_tiers"] = {each.name: each.price.as_data() for each in self.service_tiers}
        return told

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Price:
        """The very price that :meth:`as_data` told.

        Raises:
            KeyError, TypeError: for what no price told.
        """
        return cls(
            Rates(**data["rates"]),
            tuple(Tier(tier["above"], Rates(**tier["rates"])) for tier in data.get("tiers", ())),
            tuple(Hours(h["begin"], h["end"], cls.from_data(h["price"])) for h in data.get("hours", ())),
            tuple(ServiceTier(name, cls.from_data(price)) for name, price in data.get("service_tiers", {}).items()),
        )
