"""Reading decisions that were saved, and making those of a file again."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from routed_llm.catalog.snapshot import Catalog
from routed_llm.errors import ConfigurationError
from routed_llm.explained.text import html, sentence, table
from routed_llm.saved.replaying import Replay, again, check_form, policy_again

if TYPE_CHECKING:
    from os import PathLike

    from routed_llm.policy.compose import AnyPolicy

__all__ = ["SavedDecision", "SavedDecisions", "entries", "lines_of", "load_decisions", "read", "replay", "torn"]

log = logging.getLogger("routed_llm")

#: how every line begins that is written here
_BEGINNING = '{"kind": '
#: what of a decision is looked at
_TOLD = frozenset(
    {"decision_id", "catalog_version", "policy_version", "strategy", "chosen", "candidates", "rejections", "cooling"}
)


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
        self._stored: dict[tuple[str, str], tuple[int, Mapping[str, Any]]] = {}
        self._made: dict[tuple[str, str], Any] = {}
        for number, line in enumerate(lines, 1):
            kind = line.get("kind", "decision" if "decision_id" in line else None)
            if kind in ("catalog", "policy") and isinstance(line.get("version"), str):
                self._stored[kind, line["version"]] = number, line
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
            number, data = self._stored[key]
            try:
                self._made[key] = Catalog.from_data(data) if kind == "catalog" else policy_again(data.get("policy", {}))
            except ConfigurationError as error:
                raise ConfigurationError(error.problem, path=f"{self.name}: entry {number}: {error.path}") from error
        return self._made[key]

    def __getitem__(self, index: Any) -> Any:
        return self._decisions[index]

    def __iter__(self) -> Iterator[SavedDecision]:
        return iter(self._decisions)

    def __len__(self) -> int:
        return len(self._decisions)

    def __repr__(self) -> str:
        return f"<SavedDecisions {self.name}: {len(self)}>"


def load_decisions(path: str | PathLike[str]) -> SavedDecisions:
    """Read saved decisions. A last line that was not written to its end is passed over, with a warning.

    Args:
        path: a file of :meth:`~routed_llm.router.Router.save_decisions`, or of one JSON value: a decision, or a list of them.

    Raises:
        ConfigurationError: for a file that holds something else, or nothing; it names the line.
        OSError: where the file cannot be read.
    """
    text, name = read(Path(path)), str(path)
    if not text.strip():
        raise ConfigurationError("line 1 is empty, and so is the whole file: it holds no decision.", path=name)
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        whole = list(lines_of(text, name))
    return SavedDecisions(entries(whole if isinstance(whole, list) else [whole], name), name)


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


def read(path: Path) -> str:
    """The text of a file, without the mark that some editors put before it.

    Raises:
        ConfigurationError: for what is no text.
        OSError: where it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError("is no text in UTF-8.", path=str(path)) from None


def entries(found: Iterable[Any], name: str) -> Iterator[Mapping[str, Any]]:
    """JSON values of a file, of which each is to be an object.

    Raises:
        ConfigurationError: for another value.
    """
    for number, entry in enumerate(found, 1):
        if not isinstance(entry, dict):
            raise ConfigurationError(f"entry {number} is no decision, catalog or policy.", path=name)
        yield entry


def lines_of(text: str, name: str) -> Iterator[Any]:
    """The JSON values of lines; one that was torn is left out, with a warning.

    Raises:
        ConfigurationError: for a line that is none.
    """
    left = torn(text)
    if left:
        log.warning("%s: the last line was not written to its end and is left out.", name)
    for number, line in enumerate(text[: len(text) - len(left)].split("\n"), 1):
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError as error:
                raise ConfigurationError(f"line {number} is no JSON: {error}.", path=name) from None
            except RecursionError:
                raise ConfigurationError(f"line {number} is nested too deep for a decision.", path=name) from None


def torn(text: str) -> str:
    """The beginning of a last line whose end was never written, as after a crash or on a full disk; else nothing."""
    last = text.rpartition("\n")[2]
    if not last or not _BEGINNING.startswith(last[: len(_BEGINNING)]):
        return ""
    try:
        json.loads(last)
    except ValueError:
        return last
    except RecursionError:
        return ""
    return ""


def _is_told(data: Any) -> bool:
    """Whether data can be read as a decision."""
    if not isinstance(data, Mapping) or not data.keys() >= _TOLD:
        return False
    if not all(isinstance(data[name], str) for name in ("decision_id", "catalog_version", "policy_version")):
        return False
    try:
        table(data)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return False
    return True
