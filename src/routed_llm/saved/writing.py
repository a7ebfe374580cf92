"""Decisions in a file of JSON lines: catalogs and policies each once, by their versions, and the decisions that name them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from routed_llm.decisions import Decision
from routed_llm.errors import ConfigurationError
from routed_llm.saved.reading import SavedDecisions, entries, lines_of, read, torn

if TYPE_CHECKING:
    from os import PathLike

__all__ = ["DecisionFile"]


class DecisionFile:
    """Writes decisions to a file, one JSON object a line. What the file holds already is not written again.

    A last line that was not written to its end is taken away before the first line is added.

    Args:
        path: the file; it is made where there is none.

    Raises:
        ConfigurationError: for a file that holds something else, or JSON that is not one object a line.
        OSError: where it cannot be read.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        text = read(self.path) if self.path.exists() else ""
        self._there = SavedDecisions(entries(lines_of(text, str(path)), str(path)), str(path))
        self._written = {("decision", each.id) for each in self._there}
        self._torn = len(torn(text).encode())
        self._size = self.path.stat().st_size if self._torn else 0
        self._begin = "\n" if text and not text.endswith("\n") and not self._torn else ""

    def add(self, decisions: Iterable[Decision]) -> int:
        """Write those that are not in the file yet, with their catalogs and policies; gives how many these were.

        Raises:
            ConfigurationError: for a decision of which only the catalog's version is known.
            OSError: where the file cannot be written.
        """
        lines: list[str] = []
        count = 0
        for decision in decisions:
            if self._new("decision", decision.id):
                lines.extend(json.dumps(line) for line in self._lines(decision))
                count += 1
        if lines:
            self._mend()
            with self.path.open("a", encoding="utf-8") as file:
                file.write(self._begin + "\n".join(lines) + "\n")  # at once: another process may append, too
            self._begin = ""
        return count

    def _mend(self) -> None:
        if self._torn and self.path.stat().st_size == self._size:  # else another process went on writing
            with self.path.open("r+b") as file:
                file.truncate(self._size - self._torn)
        self._torn = 0

    def _lines(self, decision: Decision) -> Iterator[Mapping[str, Any]]:
        catalog, policy = decision.catalog, decision.policy
        if isinstance(catalog, str):
            raise ConfigurationError(f"the catalog {catalog!r} of the decision {decision.id} is not at hand.", path="decisions")
        if self._new("catalog", catalog.version):
            yield {"kind": "catalog", **catalog.as_data()}
        if self._new("policy", policy.version):
            yield {"kind": "policy", "version": policy.version, "policy": policy.as_data()}
        yield decision.stored()

    def _new(self, kind: str, name: str) -> bool:
        if (kind, name) in self._written or self._there.has(kind, name):
            return False
        self._written.add((kind, name))
        return True
