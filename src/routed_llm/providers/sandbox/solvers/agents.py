"""The calls of a model that may also hand the talk to another agent: its own tools first, for the part that is its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from routed_llm.providers.sandbox.prompt import Prompt
from routed_llm.providers.sandbox.solvers.facts import Facts, read_facts
from routed_llm.providers.sandbox.solvers.handoff import agents_of, plan_handoff
from routed_llm.providers.sandbox.solvers.look_up import look_up
from routed_llm.providers.sandbox.solvers.tools import ToolCall, call_tools, fit

__all__ = ["agent_calls"]


def agent_calls(
    tools: Sequence[Mapping[str, Any]], prompt: Prompt, facts: Facts, *, forced: str | None, parallel: bool
) -> list[ToolCall]:
    """The calls that fit the prompt, as :func:`call_tools` gives them, or a handoff; results before the last one are old."""
    fresh = replace(prompt, results=prompt.results[prompt.old :])
    looking = facts.solution is None and forced is None and not fresh.results
    handing = [tool["function"] for tool in tools if agents_of(tool["function"])]
    if forced is not None or not handing:
        found = call_tools(tools, fresh, facts, forced=forced, parallel=parallel)
        return found or (look_up(tools, prompt.text) if looking else [])
    own = [tool for tool in tools if tool["function"] not in handing]
    handoff, text = plan_handoff(handing, fresh, lambda part: fit([tool["function"] for tool in own], part))
    known = facts if text == prompt.text else read_facts(text)
    calls = call_tools(own, replace(fresh, text=text), known, forced=None, parallel=parallel) if own and text.strip() else []
    if calls or handoff is None:
        return calls or (look_up(own, text) if looking else [])
    return [ToolCall(handoff[0], handoff[1], 2, hands_over=True)]
