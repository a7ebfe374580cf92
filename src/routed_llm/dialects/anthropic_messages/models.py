"""What Claude models differ in on the wire: how they are told to think, and which efforts they know.

Sources: Claude documentation (extended thinking, adaptive thinking, effort); Amazon Bedrock's (adaptive thinking);
langchain-anthropic 1.7 (``ChatAnthropic.thinking``, its profiles). Models of other makers behind this dialect take budgets.
"""

from __future__ import annotations

import re
from typing import Literal

__all__ = ["Thinking", "effort_of", "takes_beginning", "takes_late_system", "thinking_of", "version_of"]

#: ``none``: it cannot. ``budget``: told a number of tokens, off by itself. ``adaptive``: told an effort, off by itself.
#: ``default``: the same, on by itself, and can be turned off. ``always``: the same, but cannot be turned off
Thinking = Literal["none", "budget", "adaptive", "default", "always"]

_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d+)(?:[-.](\d{1,2}))?(?!\d)")
_ALWAYS = re.compile(r"claude-(?:fable|mythos)|claude-[a-z]+-5[-.][1-9](?!\d)")


def version_of(model: str) -> tuple[int, int] | None:
    """Version of a Claude model, from any spelling of its name; None for other models."""
    found = _VERSION.search(model)
    return (int(found[1]), int(found[2] or 0)) if found else None


def thinking_of(model: str) -> Thinking:
    """How a model is told to think."""
    version = version_of(model)
    if _ALWAYS.search(model):
        return "always"
    if version is None or (3, 7) <= version < (4, 6):
        return "budget"
    if version < (3, 7):
        return "none"
    return "adaptive" if version < (5, 0) else "default"


def effort_of(model: str, effort: str) -> str:
    """The nearest effort that a model knows: ``low``, ``medium``, ``high``, from 4.7 on ``xhigh``, and ``max``."""
    if effort in ("none", "minimal"):
        return "low"
    version = version_of(model)
    return "high" if effort == "xhigh" and version is not None and version < (4, 7) else effort


def takes_late_system(model: str) -> bool:
    """Whether it takes the system's words within a conversation too (recorded with 4.8; profiles: all since but Sonnet 5)."""
    version = version_of(model)
    return version is not None and version >= (4, 8) and not (version == (5, 0) and "sonnet" in model)


def takes_beginning(model: str) -> bool:
    """Whether a model goes on with an answer that the request begins (Claude documentation: refused since 4.6)."""
    version = version_of(model)
    return version is None or version < (4, 6)
