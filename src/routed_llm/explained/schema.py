"""The JSON schema of :meth:`Decision.as_dict <routed_llm.decisions.Decision.as_dict>`: the one place that says what is in it.

``docs/decision.schema.json`` is written from it by ``docs/generate.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["decision_schema"]

Schema = dict[str, Any]


def _of(kind: Any, description: str = "", **more: Any) -> Schema:
    return {"type": kind, **({"description": description} if description else {}), **more}


def _object(description: str, properties: Mapping[str, Schema], required: bool = True) -> Schema:
    """An object that holds nothing else."""
    told = _of("object", description, properties=dict(properties), additionalProperties=False)
    return {**told, "required": list(properties)} if required else told


def _table(description: str, values: Any) -> Schema:
    return _of("object", description, additionalProperties=values)


def _list(description: str, items: Any) -> Schema:
    return _of("array", description, items=items)


_TEXT, _NUMBER, _WHOLE, _FLAG = _of("string"), _of("number"), _of("integer"), _of("boolean")
_IDS = _list("Ids of deployments.", _TEXT)
_MAYBE_NUMBER: Any = ["number", "null"]
_MAYBE_WHOLE: Any = ["integer", "null"]
_MAYBE_TEXT: Any = ["string", "null"]

_SCORE = _object("", {
    "value": _of(_MAYBE_NUMBER, "What the scorer gave; null is unknown."),
    "unit": _of("string", "Unit of the value, such as nano-USD or s; empty for plain numbers."),
    "lower_is_better": _FLAG,
    "normalised": _of(_MAYBE_NUMBER, "The value on the scale of all: 0 the best, 1 the worst.", minimum=0, maximum=1),
    "weight": _of("number", "Weight of the normalised value in the total."),
})  # fmt: skip

_CANDIDATE = _object("A deployment that was scored.", {
    "deployment": _of("string", "Its id."),
    "model": _of("string", "The model, as users name it."),
    "provider": _TEXT,
    "place": _of(_MAYBE_WHOLE, "Place in the order in which they are tried; null for one that is cooling down.", minimum=1),
    "total": _of(_MAYBE_NUMBER, "Weighted total, lower is better; of a single scorer its value as it is; null is unknown."),
    "scores": _table("What each scorer gave, by its name.", _SCORE),
    "expected_cost_nanousd": _of(_MAYBE_WHOLE, "Expected cost by the list price, in nano-dollars; null is unknown."),
    "context": _of(_MAYBE_WHOLE, "Longest prompt in tokens; null is unknown."),
    "unknown": _list("What the call needs and nobody knows of this deployment.", _TEXT),
    "seen": _table("Live numbers that the decision saw of it, by name; what was unknown is left out.", _NUMBER),
})  # fmt: skip

_DEMANDS: Schema = {
    "allow": _list("Only these models, aliases, providers or tags.", _TEXT),
    "deny": _list("None of these.", _TEXT),
    "pin": _of("string", "This model and no other."),
    "agreements": _list("Agreements that whoever answers must have.", _TEXT),
    "private": _of("boolean", "Only private deployments."),
    "region": _list("Only deployments in one of these regions.", _TEXT),
    "either": _list("Demands one of which must hold.", {"$ref": "#/$defs/demands"}),
    "firm": _of("boolean", "They also hold for policies that are asked next."),
}
_RULE = _object("A rule that held, with what it did; what it left alone is left out.", {
    "rule": _of("string", "Its name."),
    "because": _of("string", "Why it held."),
    "advice": _of("string", "What to do where nobody meets the demands."),
    **_DEMANDS,
    "prefer": _list("Whom it tries first.", _TEXT),
    "set": _table("Generation parameters that it set.", True),
    "policy": _of("string", "The policy to which it switched."),
    "notify": _list("Events that it told.", _TEXT),
}, required=False)  # fmt: skip

_AMOUNTS = _of("array", "Nano-dollars, tokens, calls; null is no limit.", items=_of(_MAYBE_WHOLE), minItems=3, maxItems=3)
_BUDGET = _object("How a budget of the call stood.", {
    "budget": _of("string", "Its name."),
    "of": _of("string", "Whose account it is; empty where one account is for all."),
    "limits": _AMOUNTS,
    "spent": _AMOUNTS,
    "held": _AMOUNTS,
    "starts": _of(_MAYBE_NUMBER, "When its window began, in seconds since 1970 (UTC)."),
    "ends": _of(_MAYBE_NUMBER, "When its window ends."),
    "models": _list("Whose calls count; empty for all.", _TEXT),
    "margin": _of("number", "What its calls really cost in proportion to what was expected."),
})  # fmt: skip
_HOME = _object("The model with which a conversation stays.", {
    "deployment": _TEXT,
    "model": _TEXT,
    "tokens": _of("integer", "Of the transcript when it answered last."),
    "at": _of("number", "Monotonic time of that answer, in seconds."),
    "facts": _table("What was known of the call that made it the home.", True),
    "last": _of("string", "Id of the deployment that answered last."),
})  # fmt: skip

_OWN_CALL = _object("A call that the router made for itself.", {
    "feature": _of("string", "Who asked."),
    "model": _TEXT,
    "deployment": _TEXT,
    "usage": {"anyOf": [_table("Tokens by kind.", True), _of("null")]},
    "cost_nanousd": _of(_MAYBE_WHOLE, "Nano-dollars; null where the price is unknown."),
    "seconds": _of("number", "Seconds that it took."),
    "error": _of(_MAYBE_TEXT, "Class of the error; null where it answered."),
})  # fmt: skip

_RELAYED = _object("A medium that words stand in for.", {
    "medium": _of("string", "image, pdf, audio or video."),
    "model": _of("string", "Who described it; in a decision that nobody carried out, who would be asked first."),
    "deployment": _TEXT,
    "remembered": _of("boolean", "Whether the words of an earlier call were taken."),
})  # fmt: skip

_DECISION: Schema = {
    "decision_id": _of("string", "Names the decision, in all processes."),
    "strategy": _of("string", "Name of the policy."),
    "reason": _of("string", "Why the first is the first."),
    "chosen": _of(_MAYBE_TEXT, "Id of the deployment to try first; null where nobody may serve the call now."),
    "fallbacks": _of("integer", "How many may be tried after it, within the call budget.", minimum=0),
    "propensity": _of("number", "Probability with which the first was picked; 0 where nobody was.", minimum=0, maximum=1),
    "candidates": _list("Who was scored, in the order of the catalog.", _CANDIDATE),
    "rejected": _table("Reason by id of each deployment that may not serve the call.", _TEXT),
    "rejections": _table("The same, ids by reason.", _IDS),
    "cooling": _table("Seconds for which one is left alone, by id; null is until something changes.", _of(_MAYBE_NUMBER)),
    "rules": _list("Rules that held, in their order.", _RULE),
    "seen": _object("What else was seen of the present; null and empty where nobody looked.", {
        "round": _of(_MAYBE_WHOLE, "The turn that was taken."),
        "budgets": _list("", _BUDGET),
        "sessions": _table("Home of each conversation that was looked at, or null.", {"anyOf": [_HOME, _of("null")]}),
    }),
    "input_tokens": _of("integer", "Tokens of the prompt, estimated."),
    "output_tokens": _of("integer", "Tokens of the answer, expected."),
    "facts": _table("What was known of the call.", True),
    "hints": _table("What the caller said.", True),
    "params": _table("Generation parameters without texts, with those that rules set.", True),
    "own_calls": _list("What the router asked for it: what the call is, or to have its media described.", _OWN_CALL),
    "unasked": _list("Whom they did not ask, and why.", _object("", {"model": _TEXT, "because": _TEXT})),
    "relayed": _list("Media that words stand in for, in the order of the prompt.", _RELAYED),
    "losses": _list("What the deployment that was asked did not get of the call.", _TEXT),
    "max_price_ratio": _of(_MAYBE_NUMBER, "The router's bound on what fallbacks cost."),
    "seed": _of(_MAYBE_TEXT, "What everything drawn follows from, 16 hex digits; null where nothing was drawn."),
    "catalog_version": _of("string", "Hash of the catalog."),
    "policy_version": _of(_MAYBE_TEXT, "Hash of the policy."),
    "microseconds": _of("number", "Microseconds that deciding took, without finding out facts."),
}  # fmt: skip


def decision_schema() -> Schema:
    """The schema, draft 2020-12. Every key is always there, but for those of rules."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Decision",
        **_object("One choice among deployments, as Decision.as_dict() tells it.", _DECISION),
        "$defs": {"demands": _object("", _DEMANDS, required=False)},
    }
