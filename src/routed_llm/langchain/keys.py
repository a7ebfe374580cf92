"""What tells two calls apart in LangChain's cache, and secrets by name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from routed_llm.catalog.deployments import Deployment
from routed_llm.providers.rows import find_row

__all__ = ["cache_key", "secret_names"]

#: hints that change neither who answers nor who may see an answer
_NOTES = ("session", "metadata", "deadline")


def cache_key(identity: Mapping[str, Any], stop: Any, kwargs: Mapping[str, Any]) -> str:
    """Everything that changes the route or the answer: pool and policy, parameters, tools, schema, hints, pins."""
    told = {name: value for name, value in kwargs.items() if value is not None}
    routing = told.pop("routing", None)
    if isinstance(routing, Mapping) and (kept := {k: v for k, v in routing.items() if k not in _NOTES}):
        told["routing"] = kept
    return json.dumps({"model": dict(identity), "stop": stop, "call": told}, sort_keys=True, default=_stable)


def _stable(value: Any) -> Any:
    """Objects by type, because their representations hold memory addresses."""
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    schema = getattr(value, "model_json_schema", None)
    return schema() if callable(schema) else f"{type(value).__module__}.{type(value).__qualname__}"


def secret_names(deployments: Sequence[Deployment]) -> dict[str, str]:
    """``api_key`` under the variable of the first provider that has one."""
    for deployment in deployments:
        row = find_row(deployment.provider)
        if row is not None and row.key_env:
            return {"api_key": row.key_env[0]}
    return {"api_key": "ROUTED_LLM_API_KEY"}
