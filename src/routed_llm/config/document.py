"""The whole file as one pydantic model: which keys there are, and which kind of value each takes.

What a value means (a provider's name, a strategy's argument) is checked where it is used.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from routed_llm.config.model_tables import DefaultsTable, Models
from routed_llm.config.shapes import Above, Count, Policies, Strategy, Table, Text, said
from routed_llm.errors import ConfigurationError
from routed_llm.policy.arguments import shown
from routed_llm.relay import MEDIA, Relay
from routed_llm.requests import Purpose

__all__ = ["Document", "HealthChecksTable", "KindTable", "LimitsTable", "PricesTable", "ResilienceTable", "RoutingTable"]


def _relay(value: Any) -> Any:
    try:
        Relay.of(value)
    except ConfigurationError as error:
        _, dot, key = str(error.path).partition(".")
        raise said(f"{key}: {error.problem}" if dot else error.problem) from None
    return value


_WORD: dict[str, Any] = {"type": "string", "enum": list(MEDIA)}
_WORDS = {"type": "array", "items": _WORD, "minItems": 1}
_RELAY = {
    "anyOf": [
        {"type": "boolean"},
        _WORD,
        _WORDS,
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                **{name: {"anyOf": [{"type": "boolean"}, {"type": "string"}]} for name in MEDIA},
                "always": {"anyOf": [{"type": "boolean"}, _WORD, _WORDS]},
                "most": {"type": "integer", "minimum": 1},
            },
        },
    ]
}
Relaying = Annotated[Any, BeforeValidator(_relay), WithJsonSchema(_RELAY)]


class RoutingTable(Table):
    """How to choose, and how the router behaves; the same keys may stand at the top of the file."""

    strategy: Strategy = Field(default=None, description="How one model is chosen for a call; by default the order of models.")
    purpose: Purpose = Field(default="chat", description="What the models do.")
    seed: int | None = Field(default=None, description="Makes draws and jitter repeatable.")
    max_price_ratio: Annotated[float, Field(ge=1)] | None = Field(
        default=None, description="What a fallback may be expected to cost at most, as a multiple of the first choice."
    )
    quiet_fallbacks: bool = Field(default=False, description="Do not write a warning when a call falls back.")
    strict_params: bool = Field(default=False, description="Only models that get every parameter of a call as it is.")
    relay: Relaying = Field(default=False, description="Media that a model which takes them describes in words for the others.")
    state: str | None = Field(default=None, description="Where many processes share live state: redis://HOST.")


class LimitsTable(Table):
    """The call budget of every call: seconds and counts."""

    first: Above = 120.0
    total: Above = 600.0
    attempts: Count = 5
    gap: Above = 60.0
    attempt: Above | None = None
    same: Annotated[int, Field(ge=0)] = 2


class ResilienceTable(Table):
    """What is done about faults where users may want one thing or another."""

    on_stream_break: Literal["raise", "restart"] | None = None
    hedge: bool | dict[str, float] | None = None
    at_most_once: bool | None = None
    retry_on: list[str] | None = None


class HealthChecksTable(Table):
    """How deployments are checked in the background."""

    every: Above = 30.0
    how: Literal["models", "call", "free"] = "models"
    usd_per_day: Annotated[float, Field(ge=0)] = 0.01
    timeout: Above = 5.0


class PricesTable(Table):
    """Where prices and windows come from, beside what models say and the package knows."""

    file: Text | None = Field(default=None, description="A list of prices, as routed-llm models refresh writes it.")
    source: Text | None = Field(default=None, description="Where newer lists are had while the router works: a URL or a path.")
    refresh: str | float = Field(default="1d", description="How often: 30m, 1h, 1d, or seconds.")
    timeout: Above = Field(default=10.0, description="Seconds that one try may take.")


class KindTable(Table):
    """A task or a domain of your own, by what it is and by what users say."""

    description: str = ""
    examples: list[Text] = Field(default_factory=list)


def _rule(value: Any) -> Any:
    if not isinstance(value, dict):
        raise said(f"must be a table with a name, a condition and what follows, not {shown(value)}.")
    return value


def _fact(value: Any) -> Any:
    if (isinstance(value, str) and value) or isinstance(value, dict):
        return value
    raise said(f"must be the name of a feature, or a table such as {{use = 'NAME'}}, not {shown(value)}.")


Rule = Annotated[dict[str, Any], BeforeValidator(_rule), WithJsonSchema({"refers": "Rule"})]
_FACT = {"anyOf": [{"type": "string"}, {"type": "object", "properties": {"use": {"type": "string"}}}]}
Fact = Annotated[Any, BeforeValidator(_fact), WithJsonSchema(_FACT)]


class Document(RoutingTable):
    """A configuration of routed-llm."""

    routing: RoutingTable | None = Field(default=None, description="The keys above, for those who want them in a table.")
    models: Models = Field(
        default_factory=dict, description="The pool, by the names that you give them; the order is preference."
    )
    aliases: dict[str, Text] = Field(default_factory=dict, description="Further names of models: alias = model or alias.")
    providers: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Providers of your own, by the names that stand in front of their models'."
    )
    defaults: DefaultsTable | None = Field(default=None, description="What holds for every model that does not say otherwise.")
    policies: Policies = Field(default_factory=dict, description="Strategies of your own, to be used by their names.")
    rules: list[Rule] = Field(default_factory=list, description="Rules in front of whatever strategy.")
    budgets: dict[str, dict[str, Any]] = Field(default_factory=dict, description="How much may be spent, by whom, and when.")
    limits: LimitsTable | None = Field(default=None, description="Time and attempts of one call.")
    resilience: ResilienceTable | None = Field(default=None, description="What is done about faults.")
    health_checks: bool | HealthChecksTable | None = Field(default=None, description="Check deployments in the background.")
    prices: PricesTable | None = Field(default=None, description="Where prices come from, and how often newer ones are had.")
    tasks: dict[str, KindTable] = Field(default_factory=dict, description="Tasks of your own, by what users say.")
    domains: dict[str, KindTable] = Field(default_factory=dict, description="Domains of your own, by what users say.")
    features: dict[str, Fact] = Field(default_factory=dict, description="Which feature finds out which fact.")
