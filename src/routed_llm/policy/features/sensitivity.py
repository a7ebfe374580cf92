"""Which classes of sensitive data a call would send: its whole transcript is read, not only what the user said last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from routed_llm.driver import Driver
from routed_llm.prompt.sensitive.find import CLASSES, classes_of
from routed_llm.prompt.words import Words, spoken
from routed_llm.requests import Request

__all__ = ["Sensitivity", "sensitivity_of"]


def sensitivity_of(texts: Iterable[str], words: Words | None = None) -> tuple[str, ...]:
    """Classes of sensitive data in any of the texts: of ``personal``, ``health``, ``finance`` and ``secret``, in this order.

    Every text is read to its end. ``words`` are those of one of the texts where it was split already.
    """
    classes: set[str] = set()
    for text in texts:
        classes.update(classes_of(text, words))
        if len(classes) == len(CLASSES):
            break
    return tuple(name for name in CLASSES if name in classes)


class Sensitivity:
    """Fact ``sensitivity``: classes of sensitive data in everything that the call would send; empty where none was found."""

    name = "sensitivity"
    gives = ("sensitivity",)

    async def read(self, request: Request, driver: Driver) -> Mapping[str, Any]:
        """Read all texts of all messages, uncut."""
        return {"sensitivity": sensitivity_of(request.view.texts(), spoken(request))}
