"""Which classes of sensitive data a call would send: all that goes out is read, not only what the user said last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from routed_llm.driver import Driver
from routed_llm.prompt.sensitive.find import CLASSES, classes_of
from routed_llm.prompt.strings import joined
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
        """Read all texts of all messages, uncut, and the parameters, tools and schema that go with them."""
        return {"sensitivity": sensitivity_of(chain(request.view.texts(), _beside(request)), spoken(request))}


def _beside(request: Request) -> Iterator[str]:
    """Texts of the parameters, of the bound tools and of the schema of the answer."""
    if request.params:
        yield joined(request.params)
    if request.tools is not None:
        yield from map(joined, request.tools.wire)
    if request.schema is not None:
        yield joined((request.schema.name, request.schema.description, request.schema.schema))
