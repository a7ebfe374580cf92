"""Pieces as data and in pickles: what is made again of them must be the same."""

from __future__ import annotations

import inspect
import json
import pickle
from collections.abc import Mapping
from typing import Any

from routed_llm.errors import ConfigurationError
from routed_llm.policy.data import called, piece_data, piece_from
from routed_llm.policy.registry import Kind, find, name_of
from routed_llm.testing.proof import Subject, shown

__all__ = ["check_stored"]

_KINDS: dict[str, Kind] = {
    "feature": "features", "rule": "rules", "filter": "filters", "scorer": "scorers", "selector": "selectors",
}  # fmt: skip


def check_stored(subject: Subject) -> list[Any]:
    """The piece made again of its data, and of its pickle.

    Raises:
        AssertionError: where an argument is not kept, is no plain data, or the piece made again is another one.
    """
    kind = _KINDS[subject.kind]
    cls = type(subject.piece)
    for name, parameter in inspect.signature(cls).parameters.items():
        subject.expect(
            parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL),
            f"its constructor takes *{name}: give each argument a name, so that it can be written in a file",
        )
        subject.expect(hasattr(subject.piece, name), f"it must keep the argument {name!r} as self.{name}: that makes it data")
    data = piece_data(kind, subject.piece)
    _plain(subject, data, "")
    again = [_from_data(subject, kind, cls, data), _from_pickle(subject)]
    for other in again:
        subject.expect(type(other) is cls, f"made again it is a {type(other).__name__}")
        told = piece_data(kind, other)
        subject.expect(told == data, f"made again its data are {shown(told)}, not {shown(data)}")
    return again


def _plain(subject: Subject, value: Any, path: str) -> None:
    """Every value is plain; what is no data stands in it as ``<module.Class>``."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            _plain(subject, each, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for each in value:
            _plain(subject, each, path)
    elif isinstance(value, str) and value.startswith("<") and value.endswith(">"):
        subject.expect(False, f"the argument {path} is {value}, which is no plain data: it cannot be written in a file")


def _from_data(subject: Subject, kind: Kind, cls: type, data: Mapping[str, Any]) -> Any:
    with subject.told(f"its data {shown(data)}"):
        stored = json.loads(json.dumps(data))
        name = name_of(kind, subject.piece)
        if name is not None:
            if find(kind, name, kind) is cls:
                return piece_from(kind, stored, kind)
            raise ConfigurationError(f"the name {name!r} means another class")
        stored.pop("class", None)
        if isinstance(stored.get("then"), Mapping):
            stored["then"] = piece_from("selectors", stored["then"], "then")
        return called(cls, stored, kind)


def _from_pickle(subject: Subject) -> Any:
    try:
        return pickle.loads(pickle.dumps(subject.piece))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise AssertionError(
            f"{subject.words}: cannot be pickled ({error}); routers travel to other processes. Define its class at the top of "
            "a module, and keep no locks, files or functions in it."
        ) from error
