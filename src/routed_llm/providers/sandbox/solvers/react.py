"""Reasons and acts in plain text: ``Thought:``, ``Action:`` and ``Action Input:``, until ``Answer:`` after an observation."""

from __future__ import annotations

import json
import re
from typing import Any

from routed_llm.providers.sandbox.prompt import Prompt, ToolResult, is_handoff, old_results, without_state
from routed_llm.providers.sandbox.solvers.tools import ToolCall

__all__ = ["act", "conclude", "read_react"]

_FORMAT = re.compile(r"\bAction Input\s*:", re.IGNORECASE)
_TOOL = re.compile(r"^[ \t]*>?[ \t]*Tool Name[ \t]*:", re.MULTILINE | re.IGNORECASE)
_ABOUT = re.compile(r"^[ \t]*Tool Description[ \t]*:", re.MULTILINE | re.IGNORECASE)
_ARGS = re.compile(r"^[ \t]*Tool Args[ \t]*:\s*(?=\{)", re.MULTILINE | re.IGNORECASE)
_ACTION = re.compile(r"^\s*Action\s*:\s*(\S+).*?Action Input\s*:\s*(.*)", re.MULTILINE | re.DOTALL)
_OBSERVATION = re.compile(r"^\s*Observation\s*:\s*", re.IGNORECASE)
#: what such an agent says to itself in the user's name when an answer could not be read
_COMPLAINT = re.compile(r"^\s*(?:FAILURE:|Error while parsing the output|You have reached the maximum number of iterations)")


def read_react(prompt: Prompt) -> tuple[list[dict[str, Any]], Prompt] | None:
    """The tools, in the wire's form, and the prompt as it were with tool calls; None where nothing is to be done so."""
    told = next(
        (text for role, text in prompt.turns if _FORMAT.search(text) and _TOOL.search(text) and role != "assistant"), None
    )
    if told is None:
        return None
    turns = [turn for turn in prompt.turns if turn[1] != told]
    asked = [place for place, (role, text) in enumerate(turns) if role == "user" and not _answers_agent(text)]
    if not asked:
        return None
    results, handed = _since(turns[asked[-1] + 1 :])
    tools = [tool for piece in _TOOL.split(told)[1:] if (tool := _wire(piece)) is not None]
    return tools, Prompt(
        without_state(turns[asked[-1]][1]),
        tuple(result for result in results if not is_handoff(result.tool)),
        prompt.media,
        tuple(text for _, text in turns[: asked[-1]]),
        tuple(turns[: asked[-1] + 1]),
        tuple(handed),
        old_results(results),
    )


def _answers_agent(text: str) -> bool:
    return _OBSERVATION.match(text) is not None or _COMPLAINT.match(text) is not None


def _wire(piece: str) -> dict[str, Any] | None:
    """The tool that such text tells of, from its name on; None where its arguments cannot be read."""
    about, given = _ABOUT.search(piece), _ARGS.search(piece)
    if about is None or given is None:
        return None
    try:
        schema, _ = json.JSONDecoder().raw_decode(piece, given.end())
    except (ValueError, RecursionError):
        return None
    told = piece[about.end() : given.start()].strip()
    return {"type": "function", "function": {"name": piece[: about.start()].strip(), "description": told, "parameters": schema}}


def _since(turns: list[tuple[str, str]]) -> tuple[list[ToolResult], list[dict[str, Any]]]:
    """What tools gave since the question, and the arguments of handoffs."""
    results: list[ToolResult] = []
    handed: list[dict[str, Any]] = []
    tool = "tool"
    for role, text in turns:
        action = _ACTION.search(text) if role == "assistant" else None
        if action is not None:
            tool = action[1]
            handed += [{"given": action[2]}] if is_handoff(tool) else []
        elif role == "tool" or _OBSERVATION.match(text):
            results.append(ToolResult(tool, _OBSERVATION.sub("", text, count=1)))
    return results, handed


def act(call: ToolCall) -> str:
    """A call as such text."""
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return f"Thought: I need to use a tool to help me answer the question.\nAction: {call.name}\nAction Input: {arguments}"


def conclude(answer: str, *, known: bool) -> str:
    """A final answer as such text."""
    thought = "I can answer without using any more tools." if known else "I cannot answer the question with the provided tools."
    return f"Thought: {thought}\nAnswer: {answer}"
