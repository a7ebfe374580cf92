"""The providers of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from routed_llm.config.places import below
from routed_llm.errors import ConfigurationError
from routed_llm.policy.data import called
from routed_llm.providers.own_rows import row_problems
from routed_llm.providers.rows import ProviderRow, load_rows

__all__ = ["providers_of"]


def providers_of(tables: Mapping[str, Mapping[str, Any]], problems: list[ConfigurationError]) -> tuple[ProviderRow, ...]:
    """The rows of ``[providers.<name>]``; what is wrong goes to ``problems``.

    A table with the name of a provider that is known says only what is otherwise there.
    """
    made: list[ProviderRow] = []
    for name, table in tables.items():
        path = below("providers", name)
        if "name" in table:
            problems.append(ConfigurationError("the table names it already: leave name out.", path=f"{path}.name"))
            continue
        known = load_rows().get(name)
        told = {} if known is None else {each.name: getattr(known, each.name) for each in fields(ProviderRow)}
        try:
            row: ProviderRow = called(ProviderRow, {**told, **_as_lists(table), "name": name}, path)
        except ConfigurationError as error:
            problems.append(error)
            continue
        wrong = list(row_problems(row, path, made))
        problems.extend(wrong)
        if not wrong:
            made.append(row)
    return tuple(made)


def _as_lists(table: Mapping[str, Any]) -> dict[str, Any]:
    """One text stands for a list of it."""
    several = {each.name for each in fields(ProviderRow) if str(each.type).startswith(("tuple", "frozenset"))}
    return {name: [value] if name in several and isinstance(value, str) else value for name, value in table.items()}
