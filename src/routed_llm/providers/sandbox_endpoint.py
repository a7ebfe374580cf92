"""The sandbox as deployments: the in-process twin of its loopback server, behind the same wire and dialect."""

from __future__ import annotations

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.models import Model


def resolve_sandbox(entry: Model, path: str) -> list[Deployment]:
    """x."""
    return []
