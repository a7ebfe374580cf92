"""The list of models: names only."""

from __future__ import annotations

from typing import Any

from routed_llm.router import Router

__all__ = ["model_list"]


def model_list(router: Router) -> dict[str, Any]:
    """What a call may name: ``auto``, which leaves the choice to the router, and every model."""
    names = ["auto", *router.catalog.models]
    return {
        "object": "list",
        "data": [{"id": name, "object": "model", "created": 0, "owned_by": "routed-llm"} for name in names],
    }
