"""Money and tokens of some calls as integers: :class:`Sums`."""

from __future__ import annotations

from decimal import Decimal

__all__ = ["Sums"]

_COUNTS = (
    "calls",
    "failed_calls",
    "cached_calls",
    "estimated_calls",
    "unknown_cost_calls",
    "input_tokens",
    "output_tokens",
    "cache_read",
    "reasoning",
    "nanousd",
)


class Sums:
    """Money and tokens of some calls, as integers.

    Args:
        calls: calls that ended; those of one model are the calls it answered.
        failed_calls: those of them that ended with an error.
        cached_calls: those that a cache of LangChain answered: they cost nothing and use no tokens.
        estimated_calls: those whose tokens are our estimate, since the provider sent no counts.
        unknown_cost_calls: those whose cost is not known, or only in part. What is not known is not in ``nanousd``.
        input_tokens: all tokens of the prompts.
        output_tokens: all tokens of the answers.
        cache_read: part of the input that was read from a provider's cache.
        reasoning: part of the output that was reasoning.
        nanousd: known cost in nano-dollars (1 US dollar = 1,000,000,000).
    """

    __slots__ = _COUNTS

    def __init__(
        self,
        calls: int = 0,
        failed_calls: int = 0,
        cached_calls: int = 0,
        estimated_calls: int = 0,
        unknown_cost_calls: int = 0,
        input_tokens: int = 0,
        output_tokens: int = 0,
        cache_read: int = 0,
        reasoning: int = 0,
        nanousd: int = 0,
    ) -> None:
        self.calls = calls
        self.failed_calls = failed_calls
        self.cached_calls = cached_calls
        self.estimated_calls = estimated_calls
        self.unknown_cost_calls = unknown_cost_calls
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens
        self.cache_read = cache_read
        self.reasoning = reasoning
        self.nanousd = nanousd

    @property
    def total_tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens

    @property
    def usd(self) -> Decimal:
        """``nanousd`` as exact US dollars, whatever the precision of the current decimal context."""
        return Decimal(f"{self.nanousd}E-9")

    def add(self, other: Sums) -> None:
        """Add another sum to this one."""
        self.calls += other.calls
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.nanousd += other.nanousd
        self.cache_read += other.cache_read
        self.reasoning += other.reasoning
        self.failed_calls += other.failed_calls
        self.cached_calls += other.cached_calls
        self.estimated_calls += other.estimated_calls
        self.unknown_cost_calls += other.unknown_cost_calls

    def copy(self) -> Sums:
        """A sum of its own with the same numbers."""
        return Sums(*(getattr(self, name) for name in _COUNTS))

    def as_dict(self) -> dict[str, int]:
        """All numbers by name."""
        return {name: getattr(self, name) for name in _COUNTS}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sums) and self.as_dict() == other.as_dict()

    __hash__ = None  # type: ignore[assignment]  # mutable value

    def __repr__(self) -> str:
        return f"Sums({', '.join(f'{name}={value}' for name, value in self.as_dict().items() if value)})"
