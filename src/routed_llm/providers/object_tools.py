"""Tools that a provider runs, given to a framework's object: it gets them as they are, in the form of its own provider only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from routed_llm.dialects.speaking import dialect_of
from routed_llm.dialects.taking import is_own
from routed_llm.dialects.wire import Wire
from routed_llm.providers.rows import find_row

__all__ = ["strange_tools"]

#: providers whose objects turn to another interface than that of the row once such a tool is bound (langchain-openai,
#: ``ChatOpenAI``), or are called otherwise than our rows
_TURN_TO = {
    "openai": "openai.responses",
    "azure_openai": "openai.responses",
    "google_vertexai": "gemini.generate",
    "amazon_bedrock": "bedrock.converse",
}


def strange_tools(provider: str, model: str, tools: Iterable[dict[str, Any]]) -> list[str]:
    """What of the tools is not in the form of an object's provider, in words; nothing where the provider is not known."""
    row = find_row(provider)
    named = row.name if row is not None else provider
    dialect = _TURN_TO.get(named) or (row.dialect if row is not None else None)
    if dialect is None:
        return []
    known = {} if row is None or row.server_tools is None else {"server_tools": row.server_tools}
    wire = Wire(model, maker=named, quirks=known)
    return [
        f"a tool of type {tool.get('type') or next(iter(tool), None)!r}, which objects of {named} do not have"
        for tool in tools
        if not is_own(dialect_of(dialect), wire, tool)
    ]
