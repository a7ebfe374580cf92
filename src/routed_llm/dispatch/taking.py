"""Who would not get every parameter of a call as it is: asked of endpoints only where the call is strict about it."""

from __future__ import annotations

from routed_llm.catalog.snapshot import Catalog
from routed_llm.requests import Request

__all__ = ["untaken"]


def untaken(catalog: Catalog, request: Request) -> tuple[tuple[str, str], ...]:
    """Ids of deployments, each with what it would leave out or change of the call's parameters."""
    if not request.params and not request.native and (request.tools is None or request.tools.parallel is None):
        return ()
    found = []
    for deployment in catalog.deployments:
        ask = getattr(deployment.endpoint, "untaken", None)
        dialect = getattr(deployment.endpoint, "dialect", None)
        lost = [*request.foreign(getattr(dialect, "name", None)), *(ask(request) if ask is not None else ())]
        if lost:
            found.append((deployment.id, "; ".join(lost)))
    return tuple(found)
