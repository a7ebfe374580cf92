"""The tables of a file that tell of models: ``[models.<alias>]``, its deployments, and ``[defaults]``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from routed_llm.catalog.known import Place
from routed_llm.config.shapes import Above, AtLeast, Count, Reference, Share, Table, Text, Texts, said
from routed_llm.dialects.speaking import DIALECTS, dialect_names
from routed_llm.policy.arguments import shown
from routed_llm.refusing import nearest

__all__ = ["Common", "DefaultsTable", "DeploymentTable", "Models", "ModelTable"]

Amount = Annotated[float, Field(ge=0)]


class RatesTable(Table):
    """US dollars: per million tokens, but ``request`` per request, ``image`` per image and ``search`` per search in the web."""

    input: Amount | None = None
    output: Amount | None = None
    cache_read: Amount | None = None
    cache_write: Amount | None = None
    cache_write_long: Amount | None = None
    audio_input: Amount | None = None
    audio_output: Amount | None = None
    reasoning: Amount | None = None
    request: Amount | None = None
    image: Amount | None = None
    search: Amount | None = None


class TierTable(RatesTable):
    """Other prices of prompts with more tokens than ``above``."""

    above: Count


class HoursTable(RatesTable):
    """Other prices between two times of the day, in UTC."""

    from_: Annotated[Text, Field(alias="from")]
    to: Text
    tiers: list[TierTable] | None = None


class ServiceTable(RatesTable):
    """Prices of a tier of service, such as ``flex``."""

    tiers: list[TierTable] | None = None


class PriceTable(RatesTable):
    """What a model costs, and for which prompts, at which hours of the day and in which tiers of service something else."""

    tiers: list[TierTable] | None = None
    hours: list[HoursTable] | None = None
    service_tiers: dict[str, ServiceTable] | None = None


class LatencyTable(Table):
    """What to expect before anything was measured."""

    first_content: Above | None = None
    tokens_per_second: Above | None = None


class PrepaidTable(Table):
    """Capacity that is paid for already."""

    tokens_per_minute: Above | None = None


class UsagePolicyTable(Table):
    """What it may be used for."""

    forbids: Texts = Field(default_factory=list)
    requires: Texts = Field(default_factory=list)


class RatesOfUse(Table):
    """The provider's limits."""

    requests_per_minute: Count | None = None
    tokens_per_minute: Count | None = None
    concurrent: Count | None = None


def _abilities(value: Any) -> Any:
    if isinstance(value, str):
        return [value]
    several = isinstance(value, list) and all(isinstance(each, str) for each in value)
    if several or (isinstance(value, Mapping) and all(isinstance(each, bool) for each in value.values())):
        return value
    raise said(f"must be a list such as ['tools', 'images'] or a table such as {{tools = true}}, not {shown(value)}.")


def _certificate(value: Any) -> Any:
    if isinstance(value, str) or (isinstance(value, list) and len(value) == 2 and all(isinstance(v, str) for v in value)):
        return value
    raise said(f"must be a file, or a list of two files (certificate, key), not {shown(value)}.")


_ABILITIES = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}},
                        {"type": "object", "additionalProperties": {"type": "boolean"}}]}  # fmt: skip
_CERTIFICATE = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}]}


def _dialect(value: Any) -> Any:
    names = dialect_names()
    if isinstance(value, str) and value in names:
        return value
    raise said(f"must be one of {', '.join(names)}, not {shown(value)}.{nearest(value, names)}")


Dialect = Annotated[str, BeforeValidator(_dialect), WithJsonSchema({"type": "string", "examples": list(DIALECTS)})]


def _retires(value: Any) -> Any:
    if value is False or (isinstance(value, str) and value):
        return value
    if isinstance(value, date):
        return value.isoformat()[:10]
    raise said(f"must be a date such as '2026-12-31', or false, not {shown(value)}.")


_RETIRES = {"anyOf": [{"type": "string"}, {"const": False}]}
Retires = Annotated[Any, BeforeValidator(_retires), WithJsonSchema(_RETIRES)]


class Common(Table):
    """What can be said of one model and of all."""

    base_url: Text | None = None
    api_key: Reference = None
    price: PriceTable | None = None
    context: Count | None = None
    max_output: Count | None = None
    abilities: Annotated[Any, BeforeValidator(_abilities), WithJsonSchema(_ABILITIES)] = None
    region: Text | None = None
    tags: Texts = Field(default_factory=list)
    private: bool | None = None
    weight: AtLeast = 1.0
    params: dict[str, Any] = Field(default_factory=dict)
    reasoning: Text | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    proxy: Text | None = None
    ca_bundle: Text | None = None
    client_cert: Annotated[Any, BeforeValidator(_certificate), WithJsonSchema(_CERTIFICATE)] = None
    api_version: Text | None = None
    dialect: Dialect | None = None
    quality: Share | None = None
    strengths: dict[str, Share] = Field(default_factory=dict)
    knowledge: Text | None = None
    factuality: Share | None = None
    agreements: Texts = Field(default_factory=list)
    residency: Texts = Field(default_factory=list)
    place: Place | None = None
    languages: Texts = Field(default_factory=list)
    traits: dict[str, Any] = Field(default_factory=dict)
    network: AtLeast | None = None
    prepaid: PrepaidTable | None = None
    latency: LatencyTable | None = None
    limits: RatesOfUse | None = None
    usage_policy: UsagePolicyTable | None = None
    retires: Retires = None


class DefaultsTable(Common):
    """What holds for every model that does not say otherwise."""


class DeploymentTable(Common):
    """One endpoint of a model; what it does not say is as in the model's own table."""

    model: Text | None = None


def _deployment(value: Any) -> Any:
    return {"model": value} if isinstance(value, str) else value


Deployment = Annotated[DeploymentTable, BeforeValidator(_deployment, json_schema_input_type=Text | DeploymentTable)]


class ModelTable(DeploymentTable):
    """One model of the pool."""

    name: Text | None = None
    deployments: list[Deployment] = Field(default_factory=list)


def _model(value: Any) -> Any:
    """A text is the model's name, a list its deployments."""
    if isinstance(value, list):
        if not value:
            raise said("is an empty list: name at least one deployment.")
        return {"deployments": value}
    return _deployment(value)


Entry = Annotated[ModelTable, BeforeValidator(_model, json_schema_input_type=Text | ModelTable | list[Deployment])]


def _models(value: Any) -> Any:
    """A text or a list of models names them by themselves; their keys are then ``[0]``, ``[1]`` ..."""
    if isinstance(value, str) and value:
        value = [value]
    if not isinstance(value, (list, Mapping)) or not value:
        raise said(f"must be tables such as [models.fast], or a list of models, not {shown(value) if value else 'nothing'}.")
    return {f"[{number}]": each for number, each in enumerate(value)} if isinstance(value, list) else value


Models = Annotated[dict[str, Entry], BeforeValidator(_models, json_schema_input_type=dict[str, Entry] | list[Entry] | Text)]
