"""Keywords of a call: which of them are generation parameters, and by which name providers know them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.errors import InvalidCall

__all__ = ["OURS", "SAME", "params_of"]

#: keywords that the frameworks or a door use themselves and that no provider ever sees
OURS = frozenset(
    ("routing", "model", "tools", "tool_choice", "parallel_tool_calls", "strict", "response_format", "stream", "formatted",
     "ls_structured_output_format", "structured_output_format", "stream_usage", "run_manager")
)  # fmt: skip
#: other spellings of parameters
SAME = {"max_completion_tokens": "max_tokens", "stop_sequences": "stop", "reasoning": "reasoning_effort"}


def params_of(own: Mapping[str, Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Generation parameters by their OpenAI names: a model's own, and over them those of one call.

    Raises:
        InvalidCall: for ``timeout``, which no provider knows.
    """
    if "timeout" in kwargs:
        raise InvalidCall(
            "timeout is an argument of the model, given when it is made, and bounds one attempt; "
            "to bound one call use the hint deadline: routing={'deadline': seconds}."
        )
    params = dict(own)
    for name, value in kwargs.items():
        if name not in OURS:
            if name == "reasoning" and isinstance(value, Mapping):
                value = value.get("effort")
            params[SAME.get(name, name)] = value
    return params
