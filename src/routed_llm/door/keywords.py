"""Keywords of a call: which of them are generation parameters, and by which name providers know them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.errors import UnknownHint
from routed_llm.hints import HINTS

__all__ = ["params_of"]

#: keywords that the frameworks or a door use themselves and that no provider ever sees
_OURS = frozenset(
    ("routing", "model", "tools", "tool_choice", "parallel_tool_calls", "strict", "response_format", "stream", "formatted",
     "ls_structured_output_format", "structured_output_format", "stream_usage", "run_manager")
)  # fmt: skip
#: hints of which some provider has a parameter of the same name: OpenAI (API reference, chat completions), LangChain and vLLM
_ALSO_PARAMETERS = frozenset(("user", "metadata", "tags", "priority"))
#: hints that a provider would ignore or refuse: a budget must not be lost on the way
_HINTS_ALONE = frozenset(HINTS) - _ALSO_PARAMETERS
#: other spellings of parameters
_SAME = {"max_completion_tokens": "max_tokens", "stop_sequences": "stop", "reasoning": "reasoning_effort"}


def params_of(own: Mapping[str, Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Generation parameters by their OpenAI names: a model's own, and over them those of one call.

    Raises:
        UnknownHint: for a keyword of the call that is a hint and no generation parameter.
    """
    params = dict(own)
    for name, value in kwargs.items():
        if name in _HINTS_ALONE:
            raise UnknownHint(f"{name} is a hint, not a parameter of models: say routing={{{name!r}: ...}}.")
        if name not in _OURS:
            if name == "reasoning" and isinstance(value, Mapping):
                value = value.get("effort")
            params[_SAME.get(name, name)] = value
    return params
