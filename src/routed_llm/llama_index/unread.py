"""Generators that engines hand out and that ask a model only once somebody reads them.

A streaming query engine returns before it has asked a model: the call is made by its generator, in the hands of whoever
reads it, when the engine's span is long over. The generator's frame is then on the stack, and tells whose call it is.
"""

from __future__ import annotations

import sys
import weakref
from types import AsyncGeneratorType, FrameType, GeneratorType
from typing import Any, Generic, NamedTuple, TypeVar

__all__ = ["Unread"]

T = TypeVar("T")

#: from here on, generators that have ended are looked for whenever another one is noted
SWEEP = 64


class _Noted(NamedTuple, Generic[T]):
    generator: weakref.ref[Any]
    value: T


class Unread(Generic[T]):
    """Values kept by generator as long as it lives, and found again from within its code."""

    __slots__ = ("_noted",)

    def __init__(self) -> None:
        self._noted: dict[int, _Noted[T]] = {}

    def note(self, generator: object, value: T) -> None:
        """Keep ``value`` for a sync or async generator that has not ended; the first value counts. Ignores all else."""
        frame = _frame(generator)
        if frame is None:
            return
        if len(self._noted) >= SWEEP:
            self._sweep()
        key = id(frame)
        found = self._noted.get(key)
        if found is None or found.generator() is not generator:
            self._noted[key] = _Noted(weakref.ref(generator), value)

    def value(self) -> T | None:
        """The value of the innermost noted generator whose code is calling here; None outside of all of them."""
        if not self._noted:
            return None
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            found = self._noted.get(id(frame))
            # a frame's address is used again once it is gone
            if found is not None and _frame(found.generator()) is frame:
                return found.value
            frame = frame.f_back
        return None

    def _sweep(self) -> None:
        for key, noted in list(self._noted.items()):
            if _frame(noted.generator()) is None:
                self._noted.pop(key, None)


def _frame(generator: object) -> FrameType | None:
    """The frame of a generator; None once it has ended, and for everything else."""
    if isinstance(generator, GeneratorType):
        return generator.gi_frame
    return generator.ag_frame if isinstance(generator, AsyncGeneratorType) else None
