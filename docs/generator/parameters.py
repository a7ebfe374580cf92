"""Tables of parameters: what each dialect does with each, seen in the bodies that it writes, and what families take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from generator.markdown import table

__all__ = ["families", "parameters"]

#: parameter -> a value that says something
_SAMPLES: Mapping[str, Any] = {
    "max_tokens": 3_000, "temperature": 0.5, "top_p": 0.9, "top_k": 40, "stop": ["END"], "seed": 7, "n": 2,
    "presence_penalty": 0.5, "frequency_penalty": 0.5, "logit_bias": {"50256": -100}, "logprobs": True, "top_logprobs": 3,
    "reasoning_effort": "high", "parallel_tool_calls": False, "service_tier": "default", "user": "u1",
    "metadata": {"user_id": "u1"}, "store": True,
}  # fmt: skip
#: dialect -> a model that has no restrictions of its own there, and that reasons where any does
_MODELS: Mapping[str, tuple[str, str]] = {
    "openai.chat": ("openai", "gpt-4.1"), "openai.responses": ("openai", "gpt-5.1"),
    "anthropic.messages": ("anthropic", "claude-sonnet-4-5"), "gemini.generate": ("gemini", "gemini-2.5-flash"),
    "bedrock.converse": ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
}  # fmt: skip


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, each in value.items():
            yield from _leaves(each, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def _written(dialect: str, params: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A body with some parameters as paths and values, and what was lost."""
    from routed_llm.dialects.speaking import dialect_of
    from routed_llm.dialects.view import HubView
    from routed_llm.dialects.wire import Wire
    from routed_llm.requests import Request, ToolBinding

    told = [{"role": "user", "content": "Hello?"}]
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    rest = {name: value for name, value in params.items() if name != "parallel_tool_calls"}
    tools = ToolBinding((tool,), (tool,), None, params.get("parallel_tool_calls"))
    request = Request("openai.chat", told, HubView(told), lambda given, losses: given, params=rest, tools=tools)
    provider, model = _MODELS[dialect]
    body = dialect_of(dialect).body(request, Wire(model, maker=provider))
    return dict(_leaves(body)), request.losses


def _cell(dialect: str, name: str) -> str:
    # the longest answer is said, so that what reasoning needs of it does not count as a change
    before, _ = _written(dialect, {} if name == "max_tokens" else {"max_tokens": 8_000})
    params = {name: _SAMPLES[name]} if name == "max_tokens" else {"max_tokens": 8_000, name: _SAMPLES[name]}
    if name == "top_logprobs":
        params["logprobs"] = True
        before, _ = _written(dialect, {"max_tokens": 8_000, "logprobs": True})
    after, losses = _written(dialect, params)
    changed = [path for path, value in after.items() if before.get(path, KeyError) != value]
    if changed:
        return ", ".join(dict.fromkeys(f"`{path}`" for path in changed))
    return "left out" if losses else "-"


def parameters() -> str:
    """Where each dialect writes each parameter."""
    from routed_llm.dialects.speaking import DIALECTS

    names = [name for name in DIALECTS if name in _MODELS]
    rows = ([f"`{name}`", *(_cell(dialect, name) for dialect in names)] for name in _SAMPLES)
    return table(("Parameter", *(f"`{name}`" for name in names)), rows)


def _how(told: Mapping[str, Any]) -> str:
    parts = []
    if "as" in told:
        parts.append(f"sent as `{told['as']}`")
    if "only" in told:
        parts.append(f"only {', '.join(f'`{value}`' for value in told['only'])}")
    if "most" in told:
        parts.append(f"at most {told['most']:g}")
    if "words" in told:
        parts.append(", ".join(f"`{word}` as `{other}`" for word, other in told["words"].items()))
    for word, fields in told.get("fields", {}).items():
        whom = f"`{word}`" if word != "any" else "any other" if len(told["fields"]) > 1 else "any word"
        sent = ", ".join(f"`{path} = {str(value).lower()}`" for path, value in _leaves(fields)) if fields else "nothing"
        parts.append(f"{whom}: {sent}")
    return "; ".join(parts)


def families() -> str:
    """Every family of models with what it refuses or takes in another form, and where that is known from."""
    from routed_llm.dialects.openai_chat.families import families as known

    rows = []
    for family in known().values():
        who = ", ".join(f"`{name}:`" for name in sorted(family.providers))
        models = ", ".join(f"`{name}*`" for name in family.models) or "all"
        without = f", without `*{'*`, `*'.join(family.without)}*`" if family.without else ""
        dropped = ", ".join(f"`{name}`" for name in sorted(family.drops)) or "-"
        other = "; ".join(f"`{name}`: {_how(told)}" for name, told in family.params.items()) or "-"
        rows.append((who, models + without, dropped, other, family.source))
    return table(("Provider", "Models", "Left out", "In another form", "Source"), rows)
