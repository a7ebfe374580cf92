"""What a call looks like, without reading its texts: tools, schema, turns, media; and who spoke before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.driver import Driver
from routed_llm.requests import PromptView, Request

__all__ = ["Past", "Shape", "pieces"]


def pieces(view: PromptView) -> dict[str, int]:
    """Facts ``images`` (given as data or by URL) and ``audio``: how many stand in a prompt."""
    counts = view.media_counts
    return {"images": counts.get("images", 0) + counts.get("image_urls", 0), "audio": counts.get("audio", 0)}


class Shape:
    """Facts that cost next to nothing.

    ``tools`` (how many are bound), ``schema`` (bool: a typed answer is wanted), ``tool_loop`` (bool: the prompt ends with a
    tool's result), ``turns`` (messages of the user), ``media`` (tuple of ``images``, ``image_urls``, ``pdf``, ``audio``,
    ``video``), ``images`` and ``audio`` (how many there are), ``characters`` (of all texts, letters beyond ASCII counted by
    their bytes).
    """

    name = "shape"
    gives = ("tools", "schema", "tool_loop", "turns", "media", "images", "audio", "characters")

    async def read(self, request: Request, driver: Driver) -> Mapping[str, Any]:
        """Look at the request."""
        view, tools = request.view, request.tools
        return {
            "tools": 0 if tools is None else len(tools.wire),
            "schema": request.schema is not None,
            "tool_loop": view.has_tool_results(),
            "turns": view.turns,
            "media": tuple(sorted(view.media)) if view.media else (),
            **pieces(view),
            "characters": view.characters,
        }


class Past:
    """What the answers in the prompt tell of those who gave them.

    ``spoke_before`` (the deployment that wrote the last answer, else the model's name as its provider calls it), and
    ``bound_to`` (tuple of the providers whose signed thinking stands in the prompt; none where there is none).
    """

    name = "past"
    gives = ("spoke_before", "bound_to")

    async def read(self, request: Request, driver: Driver) -> Mapping[str, Any]:
        """Look through the answers."""
        view = request.view
        found: dict[str, Any] = {"bound_to": tuple(sorted(view.bound_to()))}
        if (spoke := view.spoke_before()) is not None:
            found["spoke_before"] = spoke
        return found
