"""The live numbers of all deployments as a table: a row for each deployment, a column for each number.

Each column is an array over all deployments, so that a decision can keep what it saw by copying the columns that it reads.
"""

from __future__ import annotations

import itertools
import threading
from array import array
from collections.abc import Sequence

from routed_llm.state.columns import COLUMNS, DeploymentState

__all__ = ["NumbersTable"]

_keys = itertools.count(1)


class NumbersTable:
    """Live numbers by deployment, safe for threads; a row is made when somebody asks for it, and stays.

    ``slots`` maps ids to their places in the columns; ``key`` tells the tables of this process apart, for caches of these
    places.
    """

    __slots__ = ("_columns", "_lock", "_states", "key", "slots")

    def __init__(self) -> None:
        self._states: dict[str, DeploymentState] = {}
        self._columns = {name: array("d") for name in COLUMNS}
        self.slots: dict[str, int] = {}
        self.key = next(_keys)
        # Re-entrant, because the garbage collector may close a forgotten stream, which ends its attempt (``LiveState.left``),
        # at any point of a thread that holds it. So that method changes one number and nothing else.
        self._lock = threading.RLock()

    def of(self, deployment_id: str) -> DeploymentState:
        """The live numbers of one deployment."""
        state = self._states.get(deployment_id)
        if state is None:
            with self._lock:
                state = self._states.get(deployment_id) or self._added(deployment_id)
        return state

    def _added(self, deployment_id: str) -> DeploymentState:
        for name, start in COLUMNS.items():
            self._columns[name].append(start)
        slot = self.slots[deployment_id] = len(self.slots)
        state = self._states[deployment_id] = DeploymentState(slot, self._columns, deployment_id)
        return state

    def column(self, name: str) -> array[float]:
        """A copy of one column; unknown numbers are NaN."""
        return self._columns[name][:]

    def place(self, deployment_ids: Sequence[str]) -> list[int]:
        """Places of deployments in the columns."""
        return [self.of(deployment_id).slot for deployment_id in deployment_ids]
