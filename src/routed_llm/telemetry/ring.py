"""The :class:`Ring` of the last calls, in memory."""

from __future__ import annotations

from collections import deque

from routed_llm.events import CallRecord

__all__ = ["Ring"]


class Ring:
    """The last ``size`` records; the oldest makes room for the newest. Safe for threads without a lock.

    Args:
        size: how many records are kept.
    """

    __slots__ = ("_records", "append")

    def __init__(self, size: int = 1000) -> None:
        self._records: deque[CallRecord] = deque(maxlen=size)
        #: keeps a record; the deque's own method, since it is on the way of every call
        self.append = self._records.append

    @property
    def size(self) -> int:
        """How many records are kept at most."""
        return self._records.maxlen or 0

    def __len__(self) -> int:
        return len(self._records)

    def find(self, decision_id: str) -> CallRecord | None:
        """The record of a decision; None when it is not, or no longer, here."""
        # looked for in a copy: others may append meanwhile
        for record in reversed(self._records.copy()):
            if record.decision.id == decision_id:
                return record
        return None

    def last(self, n: int = 100) -> list[CallRecord]:
        """The last ``n`` records, the newest last."""
        return list(self._records.copy())[-n:] if n > 0 else []
