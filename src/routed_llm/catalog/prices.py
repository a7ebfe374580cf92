"""What a model's tokens cost, in integers: nano-dollars per million tokens, so that every sum is exact.

One US dollar is 1,000,000,000 nano-dollars. Tokens times rates are added up first and divided once, rounding half up.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Protocol

__all__ = ["NANO", "PRICE_KEYS", "Countable", "Price", "Rates", "Tier", "UsdAmount"]

#: nano-dollars in a US dollar
NANO = 1_000_000_000

#: keys of a price, in the order in which they are told
PRICE_KEYS = ("input", "output", "cache_read", "cache_write", "audio_input", "audio_output", "reasoning", "request")

UsdAmount = int | float | str | Decimal

_MILLION = 1_000_000
_HALF = 500_000
#: above this a number is no price but a mistake (and an exponent such as 1e999999 would fill the memory)
_LARGEST_USD = NANO


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
        audio_input: an audio token of the prompt; unknown: as ``input``.
        audio_output: an audio token of the answer; unknown: as ``output``.
        reasoning: a reasoning token; unknown: as ``output``.
        request: nano-dollars for every request, whatever its length; None where there is no such price.
    """

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    audio_input: int | None = None
    audio_output: int | None = None
    reasoning: int | None = None
    request: int | None = None

    def cost(self, usage: Countable) -> int | None:
        """Nano-dollars of one call, or None where a rate that it needs is unknown."""
        cached, written, heard = usage.cache_read, usage.cache_write, usage.audio_input
        spoken, thought = usage.audio_output, usage.reasoning
        if not (cached or written or heard or spoken or thought):
            return self.estimate(usage.input_tokens, usage.output_tokens)
        if thought and self.reasoning is None:
            thought = 0  # it costs what the rest of the answer costs
        left = max(0, usage.input_tokens - cached - written)
        heard = min(heard, left)  # cached audio is counted in both by some providers: bill it once, as cached
        total = 0
        for count, special, plain in (
            (left - heard, None, self.input),
            (cached, self.cache_read, self.input),
            (written, self.cache_write, self.input),
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
        return (total + _HALF) // _MILLION + (self.request or 0)

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


@dataclass(frozen=True, slots=True)
class Tier:
    """The rates of a call whose prompt is longer than ``above`` tokens; they count for all of its tokens."""

    above: int
    rates: Rates


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs: its rates, and others for long prompts.

    Args:
        rates: the rates of a prompt that no tier is for.
        tiers: rates of longer prompts, by rising ``above``. The highest that applies counts for the whole call, as
            OpenAI, Anthropic, Google and xAI bill it.
    """

    rates: Rates
    tiers: tuple[Tier, ...] = ()

    def rates_for(self, input_tokens: int) -> Rates:
        """The rates of a call with so many tokens in its prompt."""
        for tier in reversed(self.tiers):
            if input_tokens > tier.above:
                return tier.rates
        return self.rates

    def cost(self, usage: Countable) -> int | None:
        """What a call cost, in nano-dollars; None where a rate that it needs is unknown."""
        return (self.rates_for(usage.input_tokens) if self.tiers else self.rates).cost(usage)

    def estimate(self, input_tokens: int, output_tokens: int) -> int | None:
        """What a call of so many tokens costs if nothing is cached, in nano-dollars; None where a rate is unknown."""
        return (self.rates_for(input_tokens) if self.tiers else self.rates).estimate(input_tokens, output_tokens)

    @classmethod
    def from_usd(
        cls,
        *,
        input: UsdAmount | None = None,
        output: UsdAmount | None = None,
        cache_read: UsdAmount | None = None,
        cache_write: UsdAmount | None = None,
        audio_input: UsdAmount | None = None,
        audio_output: UsdAmount | None = None,
        reasoning: UsdAmount | None = None,
        request: UsdAmount | None = None,
    ) -> Price:
        """A price in US dollars per million tokens (``request``: US dollars per request).

        A float counts as it is written: 0.1 is exactly a tenth of a dollar.

        Raises:
            ValueError: for what is no number, negative, infinite or NaN; the message names the key.
        """
        return cls(
            Rates(
                input=_nano("input", input),
                output=_nano("output", output),
                cache_read=_nano("cache_read", cache_read),
                cache_write=_nano("cache_write", cache_write),
                audio_input=_nano("audio_input", audio_input),
                audio_output=_nano("audio_output", audio_output),
                reasoning=_nano("reasoning", reasoning),
                request=_nano("request", request),
            )
        )


def _nano(key: str, usd: UsdAmount | None) -> int | None:
    """US dollars as whole nano-dollars, rounded half up where they are finer."""
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
