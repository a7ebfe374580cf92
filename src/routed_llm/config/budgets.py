"""The budgets of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from routed_llm.config.places import below
from routed_llm.errors import ConfigurationError
from routed_llm.policy.data import called
from routed_llm.state.budgets import Budget

__all__ = ["budgets_of"]


def budgets_of(tables: Mapping[str, Mapping[str, Any]], problems: list[ConfigurationError]) -> tuple[Budget, ...]:
    """The budgets of ``[budgets.<name>]``; what is wrong goes to ``problems``."""
    made: list[Budget] = []
    for name, table in tables.items():
        path = below("budgets", name)
        try:
            budget: Budget = called(Budget, table, path)
            made.append(budget if "name" in table else replace(budget, name=name))
        except ConfigurationError as error:
            problems.append(error)
    return tuple(made)
