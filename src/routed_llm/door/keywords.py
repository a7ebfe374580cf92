"""Keywords of a call: which of them are generation parameters, and by which name providers know them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["params_of"]

#: keywords that the frameworks or a door use themselves and that no provider ever sees
_OURS = frozenset(
    ("routing", "model", "tools", "tool_choice", "parallel_tool_calls", "strict", "response_format", "stream", "formatted",
     "ls_structured_output_format", "structured_output_format", "stream_usage", "run_manager")
)  # fmt: skip
#: other spellings of parameters
_SAME = {"max_completion_tokens": "max_tokens", "stop_sequences": "stop", "reasoning": "reasoning_effort"}


def params_of(own: Mapping[str, Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Generation parameters by their OpenAI names: a model's own, and over them those of one call."""
    params = dict(own)
    for name, value in kwargs.items():
        if name not in _OURS:
            if name == "reasoning" and isinstance(value, Mapping):
                value = value.get("effort")
            params[_SAME.get(name, name)] = value
    return params
