"""Policies as data: what files hold, what stored decisions name, and how a policy is made of it.

A piece is ``{"use": its name, argument: value, ...}``; arguments at their default are left out. A policy is the name of a
strategy; a list of strategies that hold together; or a table with one of these keys:

- ``strategy``: a name or a list of them, with the arguments of a single one beside it;
- ``first``, ``when`` (with ``then`` and ``otherwise``), ``split`` (with ``sticky_by`` and ``salt``): policies of policies;
- ``rules``, ``filters``, ``scorers``, ``selector``, ``features``: pieces, also beside ``strategy``.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

from routed_llm.errors import ConfigurationError
from routed_llm.policy.arguments import check_types, shown
from routed_llm.policy.installed import make_piece
from routed_llm.policy.registry import Kind, find, name_of
from routed_llm.refusing import nearest

if TYPE_CHECKING:
    from routed_llm.policy.compose import AnyPolicy, Policy

__all__ = ["Strategy", "called", "piece_data", "piece_from", "policy_data", "policy_from", "renamed", "version_of"]

_PIECES: tuple[Kind, ...] = ("rules", "filters", "scorers", "features")
_BRANCHES = {"first": (), "when": ("then", "otherwise"), "split": ("sticky_by", "salt")}

#: what stands for a strategy wherever one is taken: a name, a policy, a list of strategies that hold together, or a table
Strategy = Any


def policy_from(given: Strategy, path: str = "strategy") -> AnyPolicy:
    """The policy of a strategy's name, of data, or of a list of strategies that hold together; a policy is taken as it is.

    Raises:
        ConfigurationError: with the path of the offending key and the nearest known name.
    """
    if isinstance(given, str):
        return _of_recipe(find("strategies", given, path), {}, path)
    if isinstance(given, Mapping):
        return _from_table(given, path)
    if isinstance(given, Sequence):
        from routed_llm.policy.combine import combined  # combining makes policies of policies

        return combined([policy_from(each, f"{path}[{n}]") for n, each in enumerate(given)], path)
    if not hasattr(given, "parts"):
        raise ConfigurationError(
            f"must be the name of a strategy, a Policy, a list or a table of these, not {given!r}.", path=path
        )
    return given  # type: ignore[no-any-return]  # a policy


def _from_table(given: Mapping[str, Any], path: str) -> AnyPolicy:
    from routed_llm.policy.combine import combined

    table = dict(given)
    name = table.pop("name", None)
    if name is not None and not (isinstance(name, str) and name):
        raise ConfigurationError(f"must be a non-empty text, not {shown(name)}.", path=f"{path}.name")
    for key, others in _BRANCHES.items():
        if key in table:
            _only(table, {key, *others}, path)
            try:
                branch = _branch(key, table)
            except ConfigurationError as error:
                raise error.below(path) from None
            return branch if name is None else renamed(branch, name)
    strategy = table.pop("strategy", None)
    make = find("strategies", strategy, f"{path}.strategy") if isinstance(strategy, str) else None
    # what the strategy itself takes is its argument, everything else stands beside it
    own = inspect.signature(make).parameters if make is not None else {}
    pieces = {kind: table.pop(kind) for kind in (*_PIECES, "selector") if kind in table and kind not in own}
    parts: list[AnyPolicy] = []
    if pieces:
        parts.append(_from_pieces(pieces, name or "policy", path))
    if make is not None:
        parts.append(_of_recipe(make, table, path))
    elif strategy is not None:
        _only(table, set(), path)
        parts.append(policy_from(strategy, f"{path}.strategy"))
    else:
        _only(table, {"strategy", "name", "first", "when", "split", *_PIECES, "selector"}, path)
    if not parts:
        raise ConfigurationError("says nothing: name a strategy, or give rules, filters, scorers or a selector.", path=path)
    policy = parts[0] if len(parts) == 1 else combined(parts, path)
    return policy if name is None else renamed(policy, name)


def renamed(policy: AnyPolicy, name: str) -> AnyPolicy:
    """The same policy under another name; whoever else holds it keeps it as it is."""
    if name == policy.name:
        return policy
    other = copy(policy)
    other.name = name
    if hasattr(other, "own_name"):
        other.own_name = name
    vars(other).update(_version=None, **({"_under": {}} if hasattr(policy, "_under") else {}))
    return other


def _branch(key: str, table: Mapping[str, Any]) -> AnyPolicy:
    """A policy of policies; paths of errors begin below the table."""
    from routed_llm.policy.branches import First, Split, When

    if key == "first":
        return First(*_listed(table[key], "first"))
    if key == "when":
        _need(table, "then")
        return When(table["when"], table["then"], table.get("otherwise", "ordered"))
    return Split(table["split"], table.get("sticky_by", "user"), table.get("salt", ""))


def _from_pieces(pieces: Mapping[str, Any], name: str, path: str) -> Policy:
    from routed_llm.policy.compose import Policy

    made: dict[str, list[Any]] = {}
    scorers: dict[Any, float] = {}
    for kind in _PIECES:
        for number, data in enumerate(_listed(pieces.get(kind, ()), f"{path}.{kind}")):
            where = f"{path}.{kind}[{number}]"
            if kind == "scorers" and isinstance(data, Mapping):
                data, weight = dict(data), data.get("weight", 1.0)
                data.pop("weight", None)
                if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight < float("inf"):
                    raise ConfigurationError(f"must be a number of at least zero, not {weight!r}.", path=f"{where}.weight")
                scorers[piece_from("scorers", data, where)] = weight
            elif kind == "scorers":
                scorers[piece_from("scorers", data, where)] = 1.0
            else:
                made.setdefault(kind, []).append(piece_from(kind, data, where))
    selector = pieces.get("selector")
    if selector is not None:
        selector = piece_from("selectors", selector, f"{path}.selector")
    return Policy(
        name, rules=made.get("rules", ()), filters=made.get("filters", ()), scorers=scorers, selector=selector,
        features=made.get("features", ()),
    )  # fmt: skip


def piece_from(kind: Kind, data: Any, path: str) -> Any:
    """A piece of its name or of ``{"use": name, argument: value}``; an object is taken as it is. A rule needs no ``use``.

    Raises:
        ConfigurationError: with the path of the offending key.
    """
    if isinstance(data, str):
        return called(find(kind, data, path), {}, path)
    if not isinstance(data, Mapping):
        return data
    arguments = dict(data)
    use = arguments.pop("use", "rule" if kind == "rules" else None)
    if not isinstance(use, str):
        raise ConfigurationError("names no piece: say which with use = '...'.", path=f"{path}.use")
    if kind == "selectors" and "then" in arguments:
        arguments["then"] = piece_from("selectors", arguments["then"], f"{path}.then")
    return called(find(kind, use, path), arguments, path)


def _of_recipe(make: Any, arguments: Mapping[str, Any], path: str) -> AnyPolicy:
    """The policy that a strategy's function makes."""
    policy = called(make, arguments, path)
    if not hasattr(policy, "parts"):
        where = f"{getattr(make, '__module__', '?')}.{getattr(make, '__qualname__', make)}"
        raise ConfigurationError(f"{where} gave {shown(policy)}: a strategy is a function that gives a Policy.", path=path)
    return policy  # type: ignore[no-any-return]  # a policy


def called(make: Any, arguments: Mapping[str, Any], path: str) -> Any:
    """Call a class or a recipe with arguments from data.

    Raises:
        ConfigurationError: for an argument that it does not take, one that is missing, and a value that it refuses.
    """
    signature = inspect.signature(make)
    names = {name for name, p in signature.parameters.items() if p.kind is not p.VAR_KEYWORD}
    known = names if not any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values()) else {*names, *arguments}
    given = {_PYTHON.get(key, key): value for key, value in arguments.items()}
    _only(given, known, path)
    for name, parameter in signature.parameters.items():
        plain = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        if plain and parameter.default is parameter.empty and name not in given:
            word = name.rstrip("_")
            raise ConfigurationError(f"is missing: write {word} = ...", path=f"{path}.{word}")
    check_types(make, given, path)
    return make_piece(make, given, path)


#: words of files that Python keeps for itself
_PYTHON = {"if": "if_", "from": "from_"}


def piece_data(kind: Kind, piece: Any) -> dict[str, Any]:
    """A piece as plain data; one whose class has no name is told by its class, and cannot be made again."""
    name = name_of(kind, piece)
    data: dict[str, Any] = {"use": name} if name else {"class": f"{type(piece).__module__}.{type(piece).__qualname__}"}
    for key, parameter in inspect.signature(type(piece)).parameters.items():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        value = getattr(piece, key, parameter.default)
        if value is not parameter.default and value != parameter.default:
            data[key.rstrip("_")] = _plain(value)
    return data


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(_plain(each) for each in value)
    if isinstance(value, Sequence):
        return [_plain(each) for each in value]
    if hasattr(value, "as_data"):
        return value.as_data()
    if hasattr(value, "data"):
        return _plain(value.data)
    if callable(getattr(value, "order", None)):
        return piece_data("selectors", value)
    return f"<{type(value).__module__}.{type(value).__qualname__}>"


def policy_data(policy: AnyPolicy) -> dict[str, Any]:
    """A policy as plain data."""
    from routed_llm.policy.compose import Policy

    if not isinstance(policy, Policy):
        told = {key: _plain(value) for key, value in policy.settings().items() if value is not None}
        return told if policy.own_name is None else {**told, "name": policy.own_name}
    data: dict[str, Any] = {"name": policy.name}
    for kind, pieces in (("rules", policy.rules), ("filters", policy.filters), ("features", policy.features)):
        if pieces:
            data[kind] = [piece_data(kind, piece) for piece in pieces]  # type: ignore[arg-type]  # kinds
    if policy.scorers:
        data["scorers"] = [{**piece_data("scorers", scorer), "weight": weight} for scorer, weight in policy.scorers]
    if policy.chosen_selector is not None or len(data) == 1:
        data["selector"] = piece_data("selectors", policy.selector)
    return data


def version_of(policy: AnyPolicy) -> str:
    """Hash of a policy's data, 12 hex digits."""
    text = json.dumps(policy_data(policy), sort_keys=True, ensure_ascii=False)
    return hashlib.blake2s(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def _listed(value: Any, path: str) -> Sequence[Any]:
    if isinstance(value, (list, tuple)):
        return value
    raise ConfigurationError(f"must be a list, not {value!r}.", path=path)


def _need(table: Mapping[str, Any], key: str) -> None:
    if key not in table:
        raise ConfigurationError(f"is missing: write {key} = ... beside {next(iter(table))}.", path=key)


def _only(table: Mapping[str, Any], known: set[str], path: str) -> None:
    """Refuse keys that nobody reads."""
    for key in table:
        if key not in known:
            word = str(key)
            words = sorted(k.rstrip("_") for k in known)
            meant, takes = nearest(word.rstrip("_"), words), ", ".join(words)
            told = f" It takes: {takes}." if takes else " It takes none: leave it out."
            raise ConfigurationError(f"is not known here.{meant}{told}", path=f"{path}.{word.rstrip('_')}")
