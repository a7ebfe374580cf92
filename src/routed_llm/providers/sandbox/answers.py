"""What a simulated model answers: tool calls where a tool fits, JSON where it is asked for, a solver's answer, an echo."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from routed_llm.providers.sandbox.models import SandboxModel
from routed_llm.providers.sandbox.prompt import Prompt
from routed_llm.providers.sandbox.skill import chance_right, draw
from routed_llm.providers.sandbox.solvers import solve_text
from routed_llm.providers.sandbox.solvers.facts import Facts, read_facts
from routed_llm.providers.sandbox.solvers.json_mode import schema_in
from routed_llm.providers.sandbox.solvers.schema import fill
from routed_llm.providers.sandbox.solvers.tools import ToolCall, call_tools

__all__ = ["Answered", "answer"]

#: characters of the prompt that an echo repeats
_ECHOED = 200
#: characters of a long prompt that are read, counted from its end
_READ = 20_000


@dataclass(frozen=True, slots=True)
class Answered:
    """What the model says: a text, or tool calls and perhaps no text."""

    text: str | None
    calls: tuple[ToolCall, ...] = ()


class _Mind:
    """One model before one prompt: its chance is drawn once."""

    def __init__(self, model: SandboxModel, prompt: Prompt, seed: int, index: int) -> None:
        self.model = model
        self.prompt = prompt
        self.chance = draw(seed, model.name, prompt.text, str(index))
        self.luck = self.chance.random()

    def fails_at(self, difficulty: float) -> bool:
        """Whether a task of that difficulty goes wrong."""
        return self.luck >= chance_right(self.model.skill, difficulty)

    def spare(self) -> Random:
        """Chance for making a wrong answer."""
        return self.chance


def answer(body: Mapping[str, Any], prompt: Prompt, model: SandboxModel, seed: int, index: int = 0) -> Answered:
    """The model's answer to a checked request, a function of seed, model, prompt and the choice's index."""
    mind = _Mind(model, replace(prompt, text=prompt.text[-_READ:]), seed, index)
    said = _said(mind)
    text = "\n".join([mind.prompt.text, *(result.text[:_READ] for result in prompt.results)])
    facts = read_facts(text, said)
    calls = _calls(body, mind, facts)
    if calls:
        return Answered(None, tuple(calls))
    schema = _schema(body, prompt)
    if schema is not None:
        return Answered(_json(schema, mind, facts))
    if prompt.results:
        return Answered(" ".join(f"The tool {result.tool} says: {result.text}" for result in prompt.results))
    return Answered(said if said is not None else _echo(prompt, model))


def _said(mind: _Mind) -> str | None:
    solution = solve_text(mind.prompt.text, mind.prompt.earlier)
    if solution is None:
        return None
    return solution.wrong(mind.spare()) if mind.fails_at(solution.difficulty) else solution.answer


def _calls(body: Mapping[str, Any], mind: _Mind, facts: Facts) -> list[ToolCall]:
    choice = body.get("tool_choice") or "auto"
    if not body.get("tools") or choice == "none":
        return []
    forced = choice["function"]["name"] if isinstance(choice, dict) else None if choice == "auto" else str(choice)
    parallel = body.get("parallel_tool_calls") is not False
    tools = body["tools"]
    calls = call_tools(tools, mind.prompt, facts, forced=forced, parallel=parallel)
    difficulty = sum(max(0, call.found - 1) for call in calls) / 2 + max(0, len(calls) - 1) / 2
    if calls and mind.fails_at(difficulty):
        if len(calls) > 1:
            return calls[:-1]
        return call_tools(tools, mind.prompt, facts.distorted(mind.spare()), forced=forced, parallel=False)
    return calls


def _schema(body: Mapping[str, Any], prompt: Prompt) -> dict[str, Any] | None:
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        schema: dict[str, Any] = wanted["json_schema"].get("schema") or {}
        return schema if schema else schema_in(prompt.text[-_READ:])
    if wanted.get("type") == "json_object":
        return schema_in("\n".join([*prompt.earlier, prompt.text])[-_READ:])
    return None


def _json(schema: Mapping[str, Any], mind: _Mind, facts: Facts) -> str:
    facts.used.clear()
    filled = fill(schema, facts)
    if mind.fails_at(max(0, filled.found - 1) / 2):
        filled = fill(schema, facts.distorted(mind.spare()))
    return json.dumps(filled.value, ensure_ascii=False)


def _echo(prompt: Prompt, model: SandboxModel) -> str:
    """A short honest text for what no solver understands."""
    text = prompt.text.strip()
    shown = text if len(text) <= _ECHOED else text[:_ECHOED].rstrip() + "..."
    media = Counter(prompt.media)
    seen = "".join(f" I was given {count} {kind} part{'s' * (count > 1)}." for kind, count in media.items())
    return f'This is a simulated answer by {model.name}; it understands only simple tasks.{seen} You wrote: "{shown}"'
