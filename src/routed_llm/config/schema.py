"""The JSON schema of the file, for editors: ``docs/routed.schema.json`` is what :func:`schema` gives."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

from routed_llm.catalog.models import Model
from routed_llm.config.document import Document
from routed_llm.dialects.speaking import DIALECTS
from routed_llm.dispatch.budget import Limits
from routed_llm.policy.rules.rule import Rule
from routed_llm.providers.rows import ProviderRow
from routed_llm.results import SERVICE_TIERS
from routed_llm.state.budgets import Budget, Per, Scope

__all__ = ["schema"]

_ARGUMENT = re.compile(r"^    (\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)
_MARKUP = re.compile(r":\w+:`~?([^`]*)`|``([^`]*)``")

_STRATEGY = {
    "description": "A strategy: its name (built in, one of policies, or of an installed package), a list of strategies that "
    "hold together, or a table.",
    "anyOf": [
        {"type": "string"},
        {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Strategy"}},
        {
            "type": "object",
            "description": "A strategy with its arguments beside its name; first, when or split; or pieces of a policy.",
            "properties": {
                "strategy": {"$ref": "#/$defs/Strategy"},
                "name": {"type": "string", "description": "What reasons call it."},
                "first": {"type": "array", "minItems": 2, "items": {"$ref": "#/$defs/Strategy"}},
                "when": {"$ref": "#/$defs/Condition"},
                "then": {"$ref": "#/$defs/Strategy"},
                "otherwise": {"$ref": "#/$defs/Strategy"},
                "split": {
                    "anyOf": [
                        {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}},
                        {"type": "array", "items": {"type": "array", "minItems": 2, "maxItems": 2}},
                    ]
                },
                "sticky_by": {"type": "string"},
                "salt": {"type": "string"},
                "rules": {"type": "array", "items": {"$ref": "#/$defs/Rule"}},
                "filters": {"type": "array", "items": {"$ref": "#/$defs/Piece"}},
                "scorers": {"type": "array", "items": {"$ref": "#/$defs/Piece"}},
                "selector": {"$ref": "#/$defs/Piece"},
                "features": {"type": "array", "items": {"$ref": "#/$defs/Piece"}},
            },
        },
    ],
}
_PIECE = {
    "description": "A piece of a policy: its name (built in, or of an installed package), or a table with use = its name and "
    "its arguments.",
    "anyOf": [{"type": "string"}, {"type": "object", "required": ["use"], "properties": {"use": {"type": "string"}}}],
}
_CONDITION = {
    "description": "What is tested: each line says a value, a list of values, or a table of tests; all must hold.",
    "type": "object",
    "minProperties": 1,
}
_TEXTS = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
_KINDS: dict[str, dict[str, Any]] = {
    "name": {"type": "string"},
    "if": {"$ref": "#/$defs/Condition"},
    "pin": {"type": "string"},
    "private": {"type": "boolean"},
    "set": {"type": "object"},
    "policy": {"$ref": "#/$defs/Strategy"},
    "usd": {"type": "number", "exclusiveMinimum": 0},
    "tokens": {"type": "integer", "minimum": 1},
    "calls": {"type": "integer", "minimum": 1},
    "models": _TEXTS,
    **{key: {"type": "string"} for key in ("user", "tenant", "application", "tag")},
}


#: what the documentation of the Python classes says in the words of Python
_IN_FILES = {
    "model": "'provider:model', such as 'openai:gpt-5.4-mini'.",
    "api_key": "Where the key is: 'env:NAME', 'file:PATH', 'command:PROGRAM ARGUMENT', or a list of these, used in turn.",
    "price": "US dollars per million tokens; request per request, image per image, tiers for long prompts, hours for windows "
    "of the day.",
    "attempt": "one attempt; by default what is left of first",
    "if": "The condition; without one the rule always holds.",
    "abilities": "Names of what it can do, or a table of names to true and false.",
}


def schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12)."""
    made = Document.model_json_schema()
    definitions = made["$defs"]
    kinds = {**_KINDS, "per": {"enum": list(get_args(Per))}, "scope": {"enum": list(get_args(Scope))}}
    definitions |= {"Strategy": _STRATEGY, "Piece": _PIECE, "Condition": _CONDITION}
    definitions |= {"Rule": {"required": ["name"], **_table(Rule, kinds)}, "Budget": _table(Budget, kinds)}
    made["properties"]["budgets"]["additionalProperties"] = {"$ref": "#/$defs/Budget"}
    definitions["Provider"] = _table(ProviderRow, _provider_kinds())
    definitions["Provider"]["properties"].pop("name")
    made["properties"]["providers"]["additionalProperties"] = {"$ref": "#/$defs/Provider"}
    definitions["PriceTable"]["properties"]["service_tiers"]["propertyNames"] = {"enum": list(SERVICE_TIERS)}
    for name, told in (("ModelTable", Model), ("DeploymentTable", Model), ("DefaultsTable", Model), ("LimitsTable", Limits)):
        _describe(definitions[name], told)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_without_nulls(made)}


def _provider_kinds() -> dict[str, dict[str, Any]]:
    """The kinds of values in a provider's row, by its types; what is not told here is one text or several."""
    words = {str: "string", bool: "boolean", int: "integer", float: "number"}
    plain: dict[Any, dict[str, Any]] = {kind: {"type": word} for kind, word in words.items()}
    found: dict[str, dict[str, Any]] = {}
    for name, hint in get_type_hints(ProviderRow).items():
        kinds = [each for each in get_args(hint) or (hint,) if each is not type(None)]
        if get_origin(hint) is Literal:
            found[name] = {"enum": list(get_args(hint))}
        elif get_origin(hint) is Mapping:
            found[name] = {"type": "object", "additionalProperties": plain[get_args(hint)[1]]}
        elif get_origin(hint) not in (tuple, frozenset) and len(kinds) == 1 and kinds[0] in plain:
            found[name] = plain[kinds[0]]
    return {**found, "dialect": {"enum": list(DIALECTS)}}


def _words(cls: type) -> dict[str, str]:
    """What the documentation of a class says of its arguments."""
    text = inspect.getdoc(cls) or ""
    found = {name: _MARKUP.sub(lambda m: m[1] or m[2], " ".join(said.split())) for name, said in _ARGUMENT.findall(text)}
    if cls is Limits:  # in one sentence each
        found = {name: said.strip() for name, said in re.findall(r"``(\w+)``: ([^;`]*)", " ".join(text.split()))}
    return found


def _describe(table: dict[str, Any], cls: type) -> None:
    words = _words(cls)
    for name, field in table["properties"].items():
        if name in words:
            field["description"] = _IN_FILES.get(name, words[name])


def _table(cls: type, kinds: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A table whose keys are the arguments of a class."""
    words = _words(cls)
    names = [name.rstrip("_") for name in inspect.signature(cls).parameters]
    properties = {name: {**kinds.get(name, _TEXTS), "description": _IN_FILES.get(name, words.get(name, ""))} for name in names}
    if cls is Rule:
        properties = {"use": {"type": "string", "description": "Another kind of rule; by default rule."}, **properties}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _without_nulls(value: Any) -> Any:
    """Nothing in a file is null: what is not said is left out."""
    if isinstance(value, list):
        return [_without_nulls(each) for each in value if each != {"type": "null"}]
    if not isinstance(value, dict):
        return value
    if "refers" in value and isinstance(value["refers"], str):  # pydantic itself takes no references to what is not its own
        value = {"$ref": f"#/$defs/{value['refers']}", **{key: each for key, each in value.items() if key != "refers"}}
    made = {key: _without_nulls(each) for key, each in value.items() if not (key == "default" and each is None)}
    only = made.get("anyOf")
    if isinstance(only, list) and len(only) == 1:
        made = {**only[0], **{key: each for key, each in made.items() if key != "anyOf"}}
    if (
        isinstance(made.get("title"), str)
        and ("type" in made or "$ref" in made or "anyOf" in made)
        and "properties" not in made
    ):
        made.pop("title")
    return made
