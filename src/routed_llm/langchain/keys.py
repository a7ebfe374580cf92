"""What tells two calls apart in LangChain's cache, and secrets by name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from routed_llm.catalog.deployments import Deployment
from routed_llm.langchain.binding import BoundSchema, BoundTools
from routed_llm.providers.rows import find_row
from routed_llm.router import Router

__all__ = ["cache_key", "pool_key", "secret_names"]

#: hints that change neither who answers nor who may see an answer
_NOTES = ("session", "metadata", "deadline")


def pool_key(router: Router) -> str:
    """What decides who answers and how, as a hash: deployments with their endpoints, policy, limits on fallbacks."""
    told = [(d.facts(), d.endpoint.fingerprint) for d in router.catalog.deployments]
    content = repr((told, router.policy.version, router.max_price_ratio))
    return hashlib.blake2s(content.encode("utf-8", "replace"), digest_size=12).hexdigest()


def cache_key(pool: str, own: Mapping[str, Any], stop: Any, kwargs: Mapping[str, Any]) -> str:
    """Everything that changes the route or the answer: pool and policy, parameters, tools, schema, hints, pins.

    Args:
        pool: from :func:`pool_key`.
        own: parameters and hints of the model itself.
        stop: stop words of the call.
        kwargs: keywords of the call.
    """
    told = {name: value for name, value in kwargs.items() if value is not None}
    strict = told.get("strict")
    if told.get("tools") and not isinstance(told["tools"], BoundTools):
        told["tools"] = BoundTools(told["tools"], strict)
    if isinstance(told.get("response_format"), type):
        told["response_format"] = BoundSchema(told["response_format"], strict)
    routing = told.pop("routing", None)
    if isinstance(routing, Mapping) and (kept := {k: v for k, v in routing.items() if k not in _NOTES}):
        told["routing"] = kept
    return json.dumps({"pool": pool, "own": dict(own), "stop": stop, "call": told}, sort_keys=True, default=_stable)


def _stable(value: Any) -> Any:
    """Objects by type, because their representations hold memory addresses."""
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, type):
        schema = getattr(value, "model_json_schema", None)
        return schema() if callable(schema) else f"{value.__module__}.{value.__qualname__}"
    return f"{type(value).__module__}.{type(value).__qualname__}"


def secret_names(deployments: Sequence[Deployment]) -> dict[str, str]:
    """``api_key`` under the variable of the first provider that has one."""
    for deployment in deployments:
        row = find_row(deployment.provider)
        if row is not None and row.key_env:
            return {"api_key": row.key_env[0]}
    return {"api_key": "ROUTED_LLM_API_KEY"}
