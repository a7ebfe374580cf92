"""Usage and cost as the Responses API tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.dialects.openai_chat.usage import read_usage as read_chat_usage
from routed_llm.dialects.service_tiers import billed_tier
from routed_llm.results import Usage

__all__ = ["is_search", "read_usage"]

#: the counts by their names in chat completions, which mean the same: cached tokens are in the input, reasoning in the output
_NAMES = {
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "input_tokens_details": "prompt_tokens_details",
    "output_tokens_details": "completion_tokens_details",
}
#: xAI's own count of searches (recorded); it also tells the whole cost, which goes before any price
_XAI_SEARCHES = ("web_search_calls", "x_search_calls")
_MOST_SEARCHES = 10_000


def read_usage(response: Mapping[str, Any]) -> Usage | None:
    """Counts of a response, with the searches that are billed; None where it has none, or where they cannot be true.

    The cost that OpenRouter (``cost``) and xAI (``cost_in_usd_ticks``) report themselves is taken as it is.
    """
    told = response.get("usage")
    if not isinstance(told, Mapping):
        return None
    usage = read_chat_usage({_NAMES.get(name, name): value for name, value in told.items()})
    if usage is not None:
        usage.searches = _searches(response, told)
        usage.service_tier = billed_tier(response.get("service_tier"))
    return usage


def _searches(response: Mapping[str, Any], usage: Mapping[str, Any]) -> int:
    """Searches in the web: as the provider counts them, else the items that tell of one."""
    of_tools = response.get("tool_usage")
    web = of_tools.get("web_search") if isinstance(of_tools, Mapping) else None
    if isinstance(web, Mapping) and _is_count(web.get("num_requests")):
        return int(web["num_requests"])
    details = usage.get("server_side_tool_usage_details")
    if isinstance(details, Mapping):
        return sum(details[name] for name in _XAI_SEARCHES if _is_count(details.get(name)))
    return sum(1 for item in response.get("output") or () if is_search(item))


def is_search(item: Any) -> bool:
    """Whether an item is a search: opening a page that was found is none, and not billed (OpenAI pricing, web search)."""
    if not isinstance(item, Mapping) or item.get("type") != "web_search_call":
        return False
    action = item.get("action")
    return not isinstance(action, Mapping) or action.get("type") in (None, "search")


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _MOST_SEARCHES
