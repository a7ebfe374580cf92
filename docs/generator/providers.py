"""Tables of providers: what a row can say, and what the rows say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from generator.docstrings import arguments
from generator.markdown import table

__all__ = ["provider_fields", "provider_quirks"]

#: told in the table of models, or not about how a provider is spoken to
_ELSEWHERE = frozenset({
    "name", "title", "source", "aliases", "pool", "base_url", "base_url_env", "base_path", "default_port", "key_env",
    "key_required", "local", "dialect",
})  # fmt: skip


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return None if field.default is MISSING else field.default


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return ", ".join(f"`{key}`: `{each}`" for key, each in value.items())
    if isinstance(value, (tuple, frozenset)):
        return ", ".join(f"`{each}`" for each in (sorted(value) if isinstance(value, frozenset) else value))
    return f"`{value}`"


def provider_fields() -> str:
    """Every field of a row with its default and its meaning."""
    from routed_llm.providers.rows import ProviderRow

    meanings = arguments(ProviderRow.__doc__ or "")
    rows = []
    for field in fields(ProviderRow):
        default = _default(field)
        shown = "-" if default in (None, "", (), {}) or default == frozenset() else _shown(default)
        rows.append((f"`{field.name}`", shown, meanings[field.name]))
    return table(("Field", "Default", "Meaning"), rows)


def provider_quirks() -> str:
    """Every row with its dialect, what it wants otherwise than others, and where that is known from."""
    from routed_llm.providers.rows import ProviderRow, load_rows

    told = [field for field in fields(ProviderRow) if field.name not in _ELSEWHERE]
    rows = []
    for row in load_rows().values():
        said = ((field.name, getattr(row, field.name), _default(field)) for field in told)
        quirks = "; ".join(f"{name}: {_shown(value)}" for name, value, default in said if value != default)
        rows.append((f"`{row.name}:`", f"`{row.dialect}`", quirks or "-", row.source))
    return table(("Prefix", "Dialect", "Otherwise than others", "Source"), rows)
