"""Who would not get all of a call: asked of endpoints only where the call is strict about it, or cannot do without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.snapshot import Catalog
from routed_llm.dialects.media import Media, beyond, media_given
from routed_llm.providers.object_tools import strange_tools
from routed_llm.providers.rows import find_row
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
    """Ids of deployments, each with what it cannot be given of what the call is about.

    That are the providers' own tools and files that it does not have, and media that it is not sent in the form they have or
    that are larger than it takes.
    """
    files = request.view.kept_files() if request.view.media else ()
    tools = request.tools.server_tools if request.tools is not None else ()
    media = _media_of(request) if request.view.media else None
    if not files and not tools and media is None:
        return ()
    found = []
    for deployment in catalog.deployments:
        lost = _kept_by_others(deployment, files)
        if files or tools:
            ask = getattr(deployment.endpoint, "unserved", None)
            lost += ask(request) if ask is not None else strange_tools(deployment.provider, deployment.served_model, tools)
        if media is not None:
            lost += _uncarried(deployment, request, media)
        if lost:
            found.append((deployment.id, "; ".join(lost)))
    return tuple(found)


def _media_of(request: Request) -> Media | None:
    """The media of a call that are not kept anywhere; what the form of the hub loses of them is told by whoever is sent it."""
    losses = list(request.losses)
    media = media_given(request.hub_messages())
    request.losses = losses
    return media if media.samples else None


def _uncarried(deployment: Deployment, request: Request, media: Media) -> list[str]:
    ask = getattr(deployment.endpoint, "uncarried", None)
    lost = list(ask(request, media)) if ask is not None else []
    # of an object nothing but the name of its provider is known
    if not hasattr(deployment.endpoint, "wire") and (row := find_row(deployment.provider)) is not None:
        lost += beyond(media, row.media_limits)
    return lost


def _kept_by_others(deployment: Deployment, files: Sequence[dict[str, Any]]) -> list[str]:
    """Files that are told to be somebody else's: an id means nothing, or another file, where it was not given out."""
    origins = dict.fromkeys(str(part["origin"]) for part in files if part.get("origin"))
    return [f"a file that {origin} keeps" for origin in origins if not deployment.answers_to(origin)]
