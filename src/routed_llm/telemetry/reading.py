"""What people read of a sum of calls; the same words in ``track()`` and in LangChain's callback handler."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from routed_llm.telemetry.book import Book
from routed_llm.telemetry.sums import Sums

__all__ = ["Reading"]


class Reading:
    """Attributes over a book. Every one is read anew and is a copy, safe at any time and in any thread."""

    __slots__ = ()

    _book: Book[Any]

    @property
    def total(self) -> Sums:
        """All numbers at one moment."""
        return self._book.total()

    @property
    def total_nanousd(self) -> int:
        """Known cost in nano-dollars (1 US dollar = 1,000,000,000)."""
        return self.total.nanousd

    @property
    def total_usd(self) -> Decimal:
        """Known cost in US dollars, exact."""
        return self.total.usd

    @property
    def calls(self) -> int:
        """Calls that ended, in whichever way."""
        return self.total.calls

    @property
    def failed_calls(self) -> int:
        """Calls that no model answered, and streams that broke after their first content."""
        return self.total.failed_calls

    @property
    def cached_calls(self) -> int:
        """Calls that a cache of LangChain answered; only its callbacks see them."""
        return self.total.cached_calls

    @property
    def estimated_calls(self) -> int:
        """Calls whose tokens, and so their cost, are our estimate, since the provider sent no counts."""
        return self.total.estimated_calls

    @property
    def unknown_cost_calls(self) -> int:
        """Calls whose cost is unknown, or only known in part: no price, or the caller left before it was told."""
        return self.total.unknown_cost_calls

    @property
    def input_tokens(self) -> int:
        """Tokens of all prompts."""
        return self.total.input_tokens

    @property
    def output_tokens(self) -> int:
        """Tokens of all answers."""
        return self.total.output_tokens

    @property
    def cache_read(self) -> int:
        """Part of the input that was read from a provider's cache."""
        return self.total.cache_read

    @property
    def reasoning(self) -> int:
        """Part of the output that was reasoning."""
        return self.total.reasoning

    @property
    def by_model(self) -> dict[str, Sums]:
        """By the model's name as users say it; a call counts for the model that answered."""
        return self._book.by("model")

    @property
    def by_user(self) -> dict[str, Sums]:
        """By the hint ``user``, of the calls that had one."""
        return self._book.by("user")

    @property
    def by_tag(self) -> dict[str, Sums]:
        """By tag; a call with two tags counts under both."""
        return self._book.by("tag")

    def as_dict(self) -> dict[str, Any]:
        """Everything as data that can be written as JSON."""
        return self._book.as_dict()

    def __str__(self) -> str:
        return self._book.text()

    def _repr_html_(self) -> str:
        return self._book.html()
