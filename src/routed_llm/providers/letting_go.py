"""Connections of deployments that left a catalog: those that nobody else uses are closed after their last call."""

from __future__ import annotations

from collections.abc import Iterable

from routed_llm.catalog.deployments import Deployment
from routed_llm.providers.http_line import HttpLine, Transports
from routed_llm.providers.transport import Origin

__all__ = ["let_go"]


def let_go(before: Iterable[Deployment], after: Iterable[Deployment]) -> None:
    """Keep the connections that the deployments of the newer catalog use, and let the others end.

    Models share transports, and models of one server its connections; so both are looked at over the whole catalog.
    A framework's objects keep theirs: they are the user's.
    """
    wanted: dict[Transports, set[Origin]] = {}
    for deployment in before:
        if (line := _line(deployment)) is not None:
            wanted.setdefault(line.leads[0], set())
    for deployment in after:
        if (line := _line(deployment)) is not None:
            transports, origins = line.leads
            wanted.setdefault(transports, set()).update(origins)
    for transports, origins in wanted.items():
        transports.keep_only(frozenset(origins))


def _line(deployment: Deployment) -> HttpLine | None:
    endpoint = getattr(deployment.endpoint, "embedder", deployment.endpoint)
    return endpoint if isinstance(endpoint, HttpLine) else None
