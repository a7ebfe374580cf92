"""Facts by the user's own regular expressions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from routed_llm.driver import Driver
from routed_llm.errors import ConfigurationError
from routed_llm.policy.regex import safe_regex
from routed_llm.prompt.said import said
from routed_llm.requests import Request

__all__ = ["Pattern"]


class Pattern:
    """A fact ``pattern.<name>`` (bool) for each expression: whether it is found in what the user said.

    Upper and lower case count as the same. Only the last user message is searched, normalised and cut to 4,000 characters
    (beginning and end): see :func:`routed_llm.prompt.said.said`.

    Args:
        patterns: name -> regular expression, as Python's ``re`` takes it.

    Raises:
        ConfigurationError: for an empty table, a name that is no word, and an expression that is none, or that could take
            long on a hostile text: see :func:`routed_llm.policy.regex.safe_regex`.
    """

    name = "pattern"

    def __init__(self, patterns: Mapping[str, str]) -> None:
        if not isinstance(patterns, Mapping) or not patterns:
            raise ConfigurationError(f"must be a table such as {{'order': 'order no'}}, not {patterns!r}.", path="patterns")
        for name in patterns:
            if not isinstance(name, str) or not re.fullmatch(r"[\w-]+", name):
                raise ConfigurationError(f"{name!r} is no name: letters, digits, - and _.", path="patterns")
        self.patterns = dict(patterns)
        self.gives = tuple(f"pattern.{name}" for name in patterns)
        self._compiled = [
            (f"pattern.{name}", safe_regex(regex, f"patterns.{name}", re.IGNORECASE)) for name, regex in patterns.items()
        ]

    def found(self, text: str) -> dict[str, bool]:
        """Which of the expressions are found in a text."""
        return {fact: regex.search(text) is not None for fact, regex in self._compiled}

    async def read(self, request: Request, driver: Driver) -> Mapping[str, Any]:
        """Search what the user said."""
        return self.found(said(request))
