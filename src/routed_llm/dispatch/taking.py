"""Who would not get all of a call: asked of endpoints only where the call is strict about it, or cannot do without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.snapshot import Catalog
from routed_llm.providers.object_tools import strange_tools
from routed_llm.requests import Request

__all__ = ["unserved", "untaken"]


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


def unserved(catalog: Catalog, request: Request) -> tuple[tuple[str, str], ...]:
    """Ids of deployments, each with what it does not have of the providers' own tools and files that the call is about."""
    files = request.view.kept_files() if request.view.media else ()
    tools = request.tools.server_tools if request.tools is not None else ()
    if not files and not tools:
        return ()
    found = []
    for deployment in catalog.deployments:
        ask = getattr(deployment.endpoint, "unserved", None)
        lost = ask(request) if ask is not None else strange_tools(deployment.provider, deployment.served_model, tools)
        lost = [*_kept_by_others(deployment, files), *lost]
        if lost:
            found.append((deployment.id, "; ".join(lost)))
    return tuple(found)


def _kept_by_others(deployment: Deployment, files: Sequence[dict[str, Any]]) -> list[str]:
    """Files that are told to be somebody else's: an id means nothing, or another file, where it was not given out."""
    origins = dict.fromkeys(str(part["origin"]) for part in files if part.get("origin"))
    return [f"a file that {origin} keeps" for origin in origins if not deployment.answers_to(origin)]
