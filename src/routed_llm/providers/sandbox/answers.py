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
from routed_llm.providers.sandbox.solvers.agents import agent_calls
from routed_llm.providers.sandbox.solvers.engines import solve_prompt
from routed_llm.providers.sandbox.solvers.facts import Facts, read_facts
from routed_llm.providers.sandbox.solvers.json_mode import schema_in, told_schema, wants_json
from routed_llm.providers.sandbox.solvers.react import act, conclude, read_react
from routed_llm.providers.sandbox.solvers.schema import fill
from routed_llm.providers.sandbox.solvers.solution import Solution
from routed_llm.providers.sandbox.solvers.tools import ToolCall, call_tools

__all__ = ["Answered", "answer"]

#: characters of the prompt that an echo repeats
_ECHOED = 200
#: characters of a long prompt that are read, counted from its end
_READ = 20_000


@dataclass(frozen=True, slots=True)
class Answered:
    """What the model says: a text, or tool calls and perhaps no text; whether it understood what was asked."""

    text: str | None
    calls: tuple[ToolCall, ...] = ()
    known: bool = True


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
    told = None if body.get("tools") else read_react(prompt)
    if told is None:
        return _answer(body, prompt, model, seed, index)
    tools, task = told
    inner = _answer({"tools": tools, "parallel_tool_calls": False}, task, model, seed, index)
    return Answered(act(inner.calls[0]) if inner.calls else conclude(inner.text or "", known=inner.known))


def _answer(body: Mapping[str, Any], prompt: Prompt, model: SandboxModel, seed: int, index: int) -> Answered:
    mind = _Mind(model, replace(prompt, text=prompt.text[-_READ:]), seed, index)
    schema, prompt = _schema(body, prompt)
    solution = solve_prompt(prompt)
    said = _said(mind, solution)
    filling = schema is not None or (body.get("tool_choice") or "auto") not in ("auto", "none")
    mind.prompt, facts = _material(prompt, solution, said, filling)
    calls = _calls(body, mind, facts)
    if calls:
        return Answered(None, tuple(calls))
    if schema is not None:
        return Answered(_json(schema, mind, facts))
    if prompt.results:
        return Answered(" ".join(f"The tool {result.tool} says: {result.text}" for result in prompt.results))
    return Answered(said) if said is not None else Answered(_echo(prompt, model), known=False)


def _said(mind: _Mind, solution: Solution | None) -> str | None:
    if solution is None:
        return None
    return solution.wrong(mind.spare()) if mind.fails_at(solution.difficulty) else solution.answer


def _material(prompt: Prompt, solution: Solution | None, said: str | None, filling: bool) -> tuple[Prompt, Facts]:
    """What tools and fields are filled from: the prompt and tools' results, or the part with the answer where that must be."""
    source = solution.source if filling and solution is not None else None
    text = prompt.text[-_READ:] if source is None else source[:_READ]
    values = {} if solution is None or solution.values is None or said is None else solution.values(said)
    facts = read_facts("\n".join([text, *(result.text[:_READ] for result in prompt.results)]), said, values)
    return replace(prompt, text=text, whole=source is None), facts


def _calls(body: Mapping[str, Any], mind: _Mind, facts: Facts) -> list[ToolCall]:
    choice = body.get("tool_choice") or "auto"
    if not body.get("tools") or choice == "none":
        return []
    forced = choice["function"]["name"] if isinstance(choice, dict) else None if choice == "auto" else str(choice)
    parallel = body.get("parallel_tool_calls") is not False and mind.prompt.whole
    tools = body["tools"]
    calls = agent_calls(tools, mind.prompt, facts, forced=forced, parallel=parallel)
    difficulty = sum(max(0, call.found - 1) for call in calls) / 2 + max(0, len(calls) - 1) / 2
    if calls and mind.fails_at(difficulty):
        if len(calls) > 1:
            return calls[:-1]
        if calls[0].hands_over:
            return []
        return call_tools(tools, mind.prompt, facts.distorted(mind.spare()), forced=forced, parallel=False)
    return calls


def _schema(body: Mapping[str, Any], prompt: Prompt) -> tuple[dict[str, Any] | None, Prompt]:
    """The schema of the answer, if it is to be JSON, and the prompt without a schema that it quotes."""
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        schema: dict[str, Any] = wanted["json_schema"].get("schema") or {}
        return schema if schema else schema_in(prompt.text[-_READ:]), prompt
    if wanted.get("type") == "json_object":
        return schema_in("\n".join([*prompt.earlier, prompt.text])[-_READ:]), prompt
    told = None if body.get("tools") else told_schema(prompt.text)
    if told is not None:
        return told[0], replace(prompt, text=told[1])
    said = "\n".join([*prompt.earlier, prompt.text])[-_READ:]
    return (schema_in(said) if not body.get("tools") and wants_json(said) else None), prompt


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
