"""Which conversation a call belongs to, where nobody says so: the fingerprint of how its transcript begins."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from routed_llm.driver import Driver
from routed_llm.requests import Request

__all__ = ["Conversation", "fingerprint"]

#: characters that are read of a text
LONGEST = 4_000


def fingerprint(first: str, user: str, whose: str) -> str:
    """Names a conversation by its first text (mostly the system message), the user's first, and for whom it is."""
    content = "\0".join((first, user, whose)).encode("utf-8", "surrogatepass")
    return f"begins:{hashlib.blake2s(content, digest_size=12).hexdigest()}"


class Conversation:
    """Fact ``conversation``: what names the conversation, by the beginning of its transcript.

    A transcript is sent whole with every turn, so how it begins stays the same. Where the caller names the session (the hint,
    or LangGraph's ``thread_id``) nothing is read. Two conversations of one user that begin with the same words are one.
    """

    name = "conversation"
    gives = ("conversation",)

    async def read(self, request: Request, driver: Driver) -> Mapping[str, Any]:
        """Hash the beginning."""
        hints = request.hints
        if hints.session or request.facts.get("thread_id"):
            return {}
        view = request.view
        first, user = next(iter(view.texts()), ""), next(iter(view.user_texts()), "")
        whose = f"{hints.tenant}\0{hints.user}\0{hints.application}"
        return {"conversation": fingerprint(first[:LONGEST], user[:LONGEST], whose)}
