"""Tools that a provider runs itself, which more than one provider has: the search of the web.

Each has its own words for it, but the plain tool means the same: the model may search the web as it sees fit, and cites what
it found. Read and written are OpenAI's ``web_search`` (OpenAI API reference, Responses; its options mean the same at xAI),
Anthropic's ``web_search_20250305`` (Claude documentation, web search tool) and Google's ``googleSearch`` (Gemini API
documentation, grounding). Options come along where both have them with the same meaning: allowed domains, of which subdomains
are a part, and the user's place. A tool with any other option is its own provider's only, as are all other tools.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["WebSearch", "is_listed", "web_search_in"]

_OPENAI = frozenset({"web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11"})
_ANTHROPIC = "web_search_20250305"
_GOOGLE = ("google_search", "googleSearch")


class WebSearch(NamedTuple):
    """A search of the web as every provider understands it.

    ``domains`` are those that may be searched, all where there are none; ``place`` is where the user is, in OpenAI's and
    Anthropic's form (``{"type": "approximate", "city": ..., "region": ..., "country": ..., "timezone": ...}``).
    """

    domains: tuple[str, ...] = ()
    place: Mapping[str, Any] | None = None

    def as_openai(self) -> dict[str, Any]:
        """OpenAI's tool."""
        told: dict[str, Any] = {"type": "web_search"}
        if self.domains:
            told["filters"] = {"allowed_domains": list(self.domains)}
        return {**told, "user_location": dict(self.place)} if self.place else told

    def as_anthropic(self) -> dict[str, Any]:
        """Anthropic's tool."""
        told: dict[str, Any] = {"type": _ANTHROPIC, "name": "web_search"}
        if self.domains:
            told["allowed_domains"] = list(self.domains)
        return {**told, "user_location": dict(self.place)} if self.place else told

    def as_google(self) -> dict[str, Any] | None:
        """Google's tool; None where there are options, which it does not have."""
        return None if self.domains or self.place else {"googleSearch": {}}


def web_search_in(tool: Mapping[str, Any]) -> WebSearch | None:
    """The search of the web that a tool is, in the words of whichever provider; None for other tools, and for other options."""
    kind = tool.get("type")
    if not isinstance(kind, (str, type(None))):
        return None
    more = {name: value for name, value in tool.items() if name != "type" and value is not None}
    if kind is None:
        return WebSearch() if any(more == {name: {}} for name in _GOOGLE) else None
    if kind in _OPENAI:
        if more.pop("search_context_size", "medium") != "medium":  # what it is where nobody says it
            return None
        filters = more.pop("filters", {})
        if not isinstance(filters, Mapping) or filters.keys() - {"allowed_domains"}:
            return None
        more["allowed_domains"] = filters.get("allowed_domains")
    elif kind != _ANTHROPIC or more.pop("name", None) != "web_search":
        return None
    domains, place = more.pop("allowed_domains", None), more.pop("user_location", None)
    if more or not isinstance(domains, (list, type(None))) or not isinstance(place, (Mapping, type(None))):
        return None
    return WebSearch(tuple(domains or ()), place or None)


def is_listed(tool: Mapping[str, Any], names: tuple[str, ...]) -> bool:
    """Whether the type of a tool is among names, of which one that ends with ``*`` is the beginning of several."""
    kind = str(tool.get("type"))
    return any(kind.startswith(name[:-1]) if name.endswith("*") else kind == name for name in names)
