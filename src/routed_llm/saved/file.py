"""Decisions in a file of JSON lines: catalogs and policies each once, by their versions, and the decisions that name them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from routed_llm.catalog.snapshot import Catalog
from routed_llm.decisions import Decision
from routed_llm.errors import ConfigurationError
from routed_llm.explained.text import html, sentence, table
from routed_llm.saved.replaying import Replay, again, check_form, policy_again

if TYPE_CHECKING:
    from os import PathLike

    from routed_llm.policy.compose import AnyPolicy

__all__ = ["DecisionFile", "SavedDecision", "SavedDecisions", "load_decisions", "replay"]


class SavedDecision:
    """A decision as it was saved. Printed, it reads as it did when it was made.

    Args:
        data: :meth:`~routed_llm.decisions.Decision.stored`, or :meth:`~routed_llm.decisions.Decision.as_dict` alone, which
            can be read but not made again.
        versions: where catalog and policy are looked for.
    """

    def __init__(self, data: Mapping[str, Any], versions: SavedDecisions) -> None:
        self.stored: Mapping[str, Any] = data if "decision" in data else {"decision": data}
        self._versions = versions

    @property
    def id(self) -> str:
        """The id of the decision."""
        return str(self.as_dict()["decision_id"])

    @property
    def sentence(self) -> str:
        """Who was to be tried first, why, and what else there was."""
        return sentence(self.as_dict())

    @property
    def catalog(self) -> Catalog:
        """The catalog of the version that the decision names.

        Raises:
            ConfigurationError: where it is not in the file.
        """
        return self._versions.catalog(self.as_dict()["catalog_version"])

    @property
    def policy(self) -> AnyPolicy:
        """The policy of the version that the decision names.

        Raises:
            ConfigurationError: where it is not in the file, or has pieces that are not known here.
        """
        return self._versions.policy(self.as_dict()["policy_version"])

    def as_dict(self) -> dict[str, Any]:
        """The decision as data, as :meth:`~routed_llm.decisions.Decision.as_dict` gave it."""
        return dict(self.stored["decision"])

    def replay(self) -> Replay:
        """Decide again, with catalog and policy of the file.

        Raises:
            ConfigurationError: for what the file does not hold.
        """
        check_form(self.stored)  # before it is looked for what it may not name
        return again(self.stored, self.catalog, self.policy)

    def __str__(self) -> str:
        return table(self.as_dict())

    def __repr__(self) -> str:
        return f"<SavedDecision {self.id}: {self.as_dict()['chosen']} by {self.as_dict()['strategy']}>"

    def _repr_html_(self) -> str:
        return html(self.as_dict())


class SavedDecisions(Sequence[SavedDecision]):
    """The decisions of one file, the oldest first. Catalogs and policies are made when one is asked for.

    Args:
        lines: what the file holds.
        name: told in errors.
    """

    def __init__(self, lines: Iterable[Mapping[str, Any]], name: str) -> None:
        self.name = name
        self._decisions: list[SavedDecision] = []
        self._stored: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._made: dict[tuple[str, str], Any] = {}
        for number, line in enumerate(lines, 1):
            kind = line.get("kind", "decision" if "decision_id" in line else None)
            if kind in ("catalog", "policy") and isinstance(line.get("version"), str):
                self._stored[kind, line["version"]] = line
            elif kind == "decision" and _is_told(line.get("decision", line)):
                self._decisions.append(SavedDecision(line, self))
            else:
                raise ConfigurationError(f"entry {number} is no decision, catalog or policy.", path=name)

    def catalog(self, version: str) -> Catalog:
        """The catalog of a version.

        Raises:
            ConfigurationError: where it is not in the file.
        """
        return self._of("catalog", version)  # type: ignore[no-any-return]  # by its kind

    def policy(self, version: str) -> AnyPolicy:
        """The policy of a version.

        Raises:
            ConfigurationError: where it is not in the file, or has pieces that are not known here.
        """
        return self._of("policy", version)  # type: ignore[no-any-return]  # by its kind

    def has(self, kind: str, version: str | None) -> bool:
        """Whether a ``catalog`` or ``policy`` of a version is there."""
        return (kind, version) in self._stored

    def find(self, decision_id: str) -> SavedDecision | None:
        """The decision of an id; None where it is not there."""
        return next((each for each in self._decisions if each.id == decision_id), None)

    def _of(self, kind: str, version: str) -> Any:
        key = (kind, version)
        if key not in self._made:
            if key not in self._stored:
                raise ConfigurationError(f"holds no {kind} of the version {version!r}.", path=self.name)
            data = self._stored[key]
            self._made[key] = Catalog.from_data(data) if kind == "catalog" else policy_again(data["policy"])
        return self._made[key]

    def __getitem__(self, index: Any) -> Any:
        return self._decisions[index]

    def __iter__(self) -> Iterator[SavedDecision]:
        return iter(self._decisions)

    def __len__(self) -> int:
        return len(self._decisions)

    def __repr__(self) -> str:
        return f"<SavedDecisions {self.name}: {len(self)}>"


class DecisionFile:
    """Writes decisions to a file, one JSON object a line. What the file holds already is not written again.

    Args:
        path: the file; it is made where there is none.

    Raises:
        ConfigurationError: for a file that holds something else.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        there = load_decisions(self.path) if self.path.exists() and self.path.stat().st_size else SavedDecisions((), str(path))
        self._there = there
        self._written = {("decision", each.id) for each in there}

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
            with self.path.open("a", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")  # at once: another process may append, too
        return count

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


def load_decisions(path: str | PathLike[str]) -> SavedDecisions:
    """Read saved decisions.

    Args:
        path: a file of :meth:`~routed_llm.router.Router.save_decisions`, or of one JSON value: a decision, or a list of them.

    Raises:
        ConfigurationError: for a file that holds something else; it names the line.
        OSError: where the file cannot be read.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError("is no text in UTF-8.", path=str(path)) from None
    try:
        whole = json.loads(text)
    except ValueError:
        whole = list(_lines_of(text, str(path)))
    found = whole if isinstance(whole, list) else [whole]
    for number, line in enumerate(found, 1):
        if not isinstance(line, dict):
            raise ConfigurationError(f"entry {number} is no decision, catalog or policy.", path=str(path))
    return SavedDecisions(found, str(path))


def replay(path: str | PathLike[str], decision_id: str | None = None) -> list[Replay]:
    """Make the decisions of a file again, or one of them: in any process, without models, keys and prompts.

    >>> for each in replay("decisions.jsonl"):  # doctest: +SKIP
    ...     assert each.same, each.difference

    Raises:
        ConfigurationError: for a file that holds something else, or not what a decision needs, and for an unknown id.
        OSError: where the file cannot be read.
    """
    saved = load_decisions(path)
    if decision_id is None:
        return [each.replay() for each in saved]
    found = saved.find(decision_id)
    if found is None:
        raise ConfigurationError(f"holds no decision {decision_id!r}.", path=str(path))
    return [found.replay()]


def _lines_of(text: str, name: str) -> Iterator[Any]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError as error:
                raise ConfigurationError(f"line {number} is no JSON: {error}.", path=name) from None


def _is_told(data: Any) -> bool:
    return isinstance(data, Mapping) and {"decision_id", "chosen", "candidates", "rejections", "cooling"} <= data.keys()
