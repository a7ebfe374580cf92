"""A deployment that cannot serve a call in the caller's mode, sync or async, is not eligible for it."""

from __future__ import annotations

from collections.abc import Mapping

from routed_llm.policy.shapes import Candidates, Live
from routed_llm.requests import Ask

__all__ = ["Modes"]


class Modes:
    """The caller's mode against the modes of each endpoint."""

    name = "modes"
    static = True

    def reject(self, ask: Ask, candidates: Candidates, live: Live) -> Mapping[str, str]:
        """Candidates that work only in the other mode."""
        mode = ask.requires.mode
        other = "async" if mode == "sync" else "sync"
        return {
            d.id: f"works only in {other} code; this is {'a sync' if mode == 'sync' else 'an async'} call"
            for d in candidates
            if mode not in d.endpoint.modes
        }
