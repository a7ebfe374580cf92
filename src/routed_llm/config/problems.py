"""What pydantic found wrong, in our words: place, problem, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from routed_llm.config.document import Document
from routed_llm.config.places import below
from routed_llm.config.shapes import Table
from routed_llm.errors import ConfigurationError
from routed_llm.policy.arguments import shown
from routed_llm.refusing import nearest

__all__ = ["problems_of", "without_unknown"]

_SECRET = re.compile(r"key|secret|token|password|header|proxy|credential", re.IGNORECASE)
_WORD = re.compile(r"'([^']*)'")
_INDEX = re.compile(r"\[\d+\]")

#: error of pydantic -> what is said of it
_WORDS = {
    "string_type": "must be a text in quotes",
    "int_type": "must be a whole number without quotes",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number without quotes",
    "bool_type": "must be true or false, without quotes",
    "list_type": "must be a list in brackets",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "finite_number": "must be a finite number",
}
_BOUNDS = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "of at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "of at most"),
}

#: keys of ``Model`` and of peers' files that are said in another way here
_INSTEAD = {
    "credential": "A function cannot stand in a file: write api_key = 'command:PROGRAM'.",
    "factory": "Objects are given in Python: Router([Model(factory=...)]).",
    "input": "It is for Runnables, engines and functions, which are given in Python: Router([Model(program, input=...)]).",
    "keep_retries": "It is for objects, which are given in Python.",
    "served_model": "Write model = 'provider:name'.",
    "served_name": "Write model = 'provider:name'.",
    "provider": "Write model = 'provider:name'.",
    "api_base": "Did you mean 'base_url'?",
    "timeout": "Write attempt = SECONDS into [limits].",
    "max_retries": "Write same = COUNT into [limits].",
    "temperature": "Write params = {temperature = ...}.",
    "max_tokens": "Write params = {max_tokens = ...}.",
    "model_list": "Did you mean 'models'?",
    "router_settings": "Did you mean 'routing'?",
    "fallbacks": "The order of models is that of fallbacks; policies choose another.",
}


def problems_of(error: ValidationError) -> list[ConfigurationError]:
    """Every mistake that pydantic found, with its path."""
    found = error.errors(include_url=False)
    return [ConfigurationError(_said(each), path=_path(each["loc"])) for each in found]


def without_unknown(data: Mapping[str, Any], error: ValidationError) -> dict[str, Any] | None:
    """A copy of the file's values without the keys that are not known.

    None where something else is wrong as well, and where a whole section is not known: what refers to it would only follow.
    """
    sound = deepcopy(dict(data))
    for each in error.errors(include_url=False):
        *above, key = [int(part[1:-1]) if isinstance(part, str) and _INDEX.fullmatch(part) else part for part in each["loc"]]
        if each["type"] != "extra_forbidden" or (not above and isinstance(each["input"], (dict, list))):
            return None
        table: Any = sound
        for part in above:
            known = part in table if isinstance(table, dict) else isinstance(table, list) and isinstance(part, int)
            if not known:
                return None
            table = table[part]
        if not isinstance(table, dict) or table.pop(key, None) is None:
            return None
    return sound


def _path(loc: Sequence[int | str]) -> str:
    path = ""
    for part in loc:
        if isinstance(part, str) and _INDEX.fullmatch(part):
            path += part  # models of a list
        elif part != "[key]":
            path = below(path, part)
    return path


def _said(error: ErrorDetails) -> str:
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "said":
        return str(context["message"])
    if kind == "extra_forbidden":
        return _unknown(error["loc"])
    if kind == "missing":
        return f"is missing: write {error['loc'][-1]} = ..."
    if kind in ("string_too_short", "too_short"):
        return "must not be empty: write something, or leave it out."
    instead = f", not {shown(value)}." if not any(_SECRET.search(str(part)) for part in error["loc"]) else "."
    if kind == "literal_error":
        known = _WORD.findall(context["expected"])
        return f"must be one of {', '.join(known)}{instead}{nearest(value, known)}"
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        return f"must be a number {words} {context[key]:g}{instead}"
    return f"{_WORDS.get(kind) or error['msg']}{instead}"


def _unknown(loc: Sequence[int | str]) -> str:
    known = sorted(_keys_at(loc[:-1]))
    key = str(loc[-1])
    meant = f" {_INSTEAD[key]}" if key in _INSTEAD else nearest(key, known)
    return f"is not known here.{meant} It takes: {', '.join(known)}."


def _keys_at(loc: Sequence[int | str]) -> set[str]:
    """The keys of the table at a place."""
    here: set[type[Table]] = {Document}
    for part in loc:
        fields = [field for table in here for name, field in table.model_fields.items() if part in (name, field.alias)]
        if fields:
            here = {table for field in fields for table in _tables(field.annotation)}
    return {field.alias or name for table in here for name, field in table.model_fields.items()}


def _tables(annotation: Any) -> Iterator[type[Table]]:
    if isinstance(annotation, type) and issubclass(annotation, Table):
        yield annotation
    for each in get_args(annotation):
        yield from _tables(each)
