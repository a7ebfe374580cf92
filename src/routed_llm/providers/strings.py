"""``"provider:model"`` as a deployment: provider row + model card + what the user said."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from routed_llm.abilities import NOT_ON_THE_WIRE, ON_THE_WIRE
from routed_llm.catalog.cards import ModelCard, cards_of, find_card, nearest_name
from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.hiding import shown_address
from routed_llm.catalog.known import Known
from routed_llm.catalog.models import Model
from routed_llm.catalog.naming import check_name
from routed_llm.dialects.dialect import Dialect
from routed_llm.dialects.openai_chat.families import Family, family_of
from routed_llm.dialects.speaking import dialect_of
from routed_llm.dialects.wire import Wire
from routed_llm.driver import Endpoint
from routed_llm.errors import ConfigurationError, UnknownProvider
from routed_llm.providers.credentials import Credential, credential_of
from routed_llm.providers.http_endpoint import HttpEndpoint
from routed_llm.providers.http_line import Transports
from routed_llm.providers.rows import SAMPLING, ProviderRow, Providers, known_providers
from routed_llm.providers.transport import TransportOptions
from routed_llm.providers.vector_space import VectorSpace
from routed_llm.requests import Purpose

__all__ = ["CUSTOM", "About", "LookedUp", "Shared", "assemble", "is_loopback", "look_up", "resolve_string", "wire_of"]

#: characters
_SHORTEST_KEY = 20
_warned: set[tuple[str, str]] = set()


#: what the catalog says of a model because of who serves it; at another address nobody knows whether it holds
OF_THE_PROVIDER = frozenset({"agreements", "retires"})

#: bytes of the largest answer: OpenAI's most texts in one request, in its longest vectors and as numbers, are about 80 MB
MOST_VECTORS = 128 * 1024 * 1024


class Shared:
    """What the models of one router share: purpose, settings for all, providers, transports by options, space of vectors."""

    def __init__(self, common: Model, purpose: Purpose = "chat", providers: Providers | None = None) -> None:
        self.common = common
        self.purpose: Purpose = purpose
        self.providers = known_providers() if providers is None else providers
        self.space = VectorSpace()
        #: whether the user says how good a model is: on which scale, only they know, so the catalog's numbers do not count
        self.own_scale = False
        self._transports: dict[Any, Transports] = {}

    def transports(self, entry: Model) -> Transports:
        """One pair of transports for all models with the same connection settings."""
        proxy, ca, cert = (getattr(entry, name) or getattr(self.common, name) for name in ("proxy", "ca_bundle", "client_cert"))
        key = (proxy, ca, tuple(cert) if isinstance(cert, list) else cert)
        if key not in self._transports:
            options = TransportOptions(proxy=proxy, ca_bundle=ca, client_cert=key[2])
            if self.purpose == "embeddings":
                options = replace(options, max_answer_bytes=MOST_VECTORS)
            self._transports[key] = Transports(options)
        return self._transports[key]


def is_loopback(url: str) -> bool:
    """True for a URL on this machine."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.") or host.endswith(".localhost")


def is_elsewhere(row: ProviderRow, url: str) -> bool:
    """True for an address that is not the provider's own: on this machine, or in another domain than its row tells."""
    own, host = urlsplit(row.base_url or "").hostname, urlsplit(url).hostname or ""
    return is_loopback(url) or (own is not None and host.split(".")[-2:] != own.split(".")[-2:])


class LookedUp(NamedTuple):
    """What a string and its entry name: a provider's row, the model's name there, address, card and keys."""

    row: ProviderRow
    name: str
    base_url: str
    card: ModelCard | None
    credential: Credential | None

    @property
    def account(self) -> str:
        """Names the key and provider that pay; keys given as text all have the same label and count each as one of its own."""
        if self.credential is None:
            return ""
        return f"{self.row.name}/{self.credential.label if ':' in self.credential.label else id(self.credential)}"

    def about(self, label: str, abilities: Mapping[str, bool]) -> About:
        """What is known of the model."""
        return About(label, self.row.name, self.name, self.card, abilities, is_loopback(self.base_url), self.account)


def look_up(entry: Model, path: str, shared: Shared) -> LookedUp:
    """Find what a string means.

    Raises:
        UnknownProvider: the message names the nearest known one.
        MissingKey: the message names the variable to set.
    """
    row, name = _split(entry, path, shared)
    check_name(name, path)
    base_url = _base_url(entry, row, path, shared)
    card = find_card(row.name, name)
    if card is None:
        _refuse_key(name, path)
    if card is None and not row.local and entry.base_url is None and cards_of(row.name):
        _warn_unknown(row.name, name)
    own_key = next(
        (k for k in (entry.credential, entry.api_key, shared.common.credential, shared.common.api_key) if k is not None), None
    )
    required = row.key_required and entry.base_url is None and shared.common.base_url is None
    credential = credential_of(own_key, row.key_env, required=required, provider=row.name, path=path)
    return LookedUp(row, name, base_url, card, credential)


def resolve_string(entry: Model, path: str, shared: Shared) -> Deployment:
    """The deployment of a string; see :func:`look_up` for what it refuses."""
    found = look_up(entry, path, shared)
    row, name, card = found.row, found.name, found.card
    dialect = dialect_of(entry.dialect or row.dialect, f"{path}.dialect")
    if entry.dialect:
        header = dialect.key_header if row is CUSTOM else row.auth_header
        row = replace(row, dialect=entry.dialect, auth_header=header)
    known = {**ON_THE_WIRE.get(row.dialect, NOT_ON_THE_WIRE), **(card.abilities if card else {})}
    abilities = {**row.abilities(known), **entry.parsed_abilities(path)}
    longest = entry.max_output or (card.max_output if card else None)
    wire = wire_of(row, name, {**shared.common.params, **entry.params}, entry.reasoning, abilities, longest)
    url, stream_url = _urls(dialect, wire, row, found.base_url, entry.api_version)
    make: Callable[..., HttpEndpoint] = HttpEndpoint
    credential = found.credential
    if credential is None and row.signing == "aws":
        from routed_llm.providers.aws import aws_credential, signing  # only for those who sign

        credential, make = aws_credential(row.name, path), signing(url, entry.region, path)
    endpoint = make(
        url,
        wire,
        credential,
        dialect=dialect,
        stream_url=stream_url,
        key_header=row.auth_header,
        headers={**row.headers(os.environ), **shared.common.headers, **entry.headers},
        transports=shared.transports(entry),
    )
    label = f"{row.name}:{name}" + (f"@{entry.reasoning}" if entry.reasoning else "")
    deployment = assemble(entry, path, endpoint, found.about(label, abilities))
    if is_elsewhere(row, found.base_url):
        deployment.said = OF_THE_PROVIDER
    return deployment


def _urls(dialect: Dialect, wire: Wire, row: ProviderRow, base_url: str, api_version: str | None) -> tuple[str, str]:
    """Where whole answers and streams are asked for."""
    if dialect.name == "openai.chat":
        url = row.chat_url(base_url, wire.model, api_version)
        return url, url
    if dialect.name == "openai.responses":
        url = row.responses_url(base_url, api_version)
        return url, url
    whole, stream = dialect.paths(wire)
    base = base_url.rstrip("/")
    return base + whole, base + stream


class About(NamedTuple):
    """What is known of a model beside what the user said: names, card, abilities, and whether it is on this machine."""

    label: str
    provider: str
    served: str
    card: ModelCard | None
    abilities: Mapping[str, bool]
    local: bool
    account: str = ""
    marks: tuple[str, ...] = ()


def assemble(entry: Model, path: str, endpoint: Endpoint, about: About) -> Deployment:
    """A deployment from an entry, an endpoint, and what is known; what the user said wins."""
    name = entry.name or about.label
    card = about.card
    known = _known(entry, path, about)
    return Deployment(
        name,
        name,
        about.provider,
        about.served,
        endpoint,
        price=entry.parsed_price(path) or (card.prices if card else None),
        context=entry.context or (card.context if card else None),
        max_output=entry.max_output or (card.max_output if card else None),
        abilities=about.abilities,
        region=entry.region,
        tags=tuple([entry.tags] if isinstance(entry.tags, str) else entry.tags),
        private=known.get("place") == "device" if entry.private is None else entry.private,
        weight=entry.weight,
        account=about.account,
        marks=about.marks,
        **known,
    )


def _known(entry: Model, path: str, about: About) -> Known:
    """What choosing may know: of single strengths, and of all else, what the user said goes before the card."""
    card: Known = about.card.known() if about.card else {}
    known: Known = {**card, **entry.known(path)}
    strengths = {**card.get("strengths", {}), **known.get("strengths", {})}
    if strengths:
        known["strengths"] = dict(sorted(strengths.items()))
    if about.local:
        known.setdefault("place", "device")  # but a gateway on this machine may be told to be the cloud
    return known


def _split(entry: Model, path: str, shared: Shared) -> tuple[ProviderRow, str]:
    """Provider row and model name of ``provider:model``, of a bare known name, or of any name with a base URL."""
    prefix, colon, rest = entry.model.partition(":")
    row = shared.providers.find(prefix) if colon else None
    if row is not None:
        if not rest:
            raise ConfigurationError(f"names no model: write '{prefix}:model'.", path=path)
        return row, rest
    _refuse_key(entry.model, path)
    if entry.base_url or shared.common.base_url:
        return CUSTOM, entry.model
    if not colon:
        owner = next((r for r in shared.providers.rows.values() if find_card(r.name, entry.model) is not None), None)
        if owner is not None:
            return owner, entry.model
        raise UnknownProvider(
            f"{entry.model!r} names no provider; write 'provider:model', such as 'openai:{entry.model}'.", path=path
        )
    near = shared.providers.nearest(prefix)
    meant = f" Did you mean {near!r}?" if near else ""
    raise UnknownProvider(f"unknown provider {prefix!r}.{meant} Known: {', '.join(shared.providers.rows)}.", path=path)


def _refuse_key(name: str, path: str) -> None:
    """Refuse a key in the place of a model's name before it is shown or sent.

    Raises:
        ConfigurationError: without the key.
    """
    if len(name) >= _SHORTEST_KEY:
        from routed_llm.prompt.sensitive.secrets import keys  # only for names that nobody knows

        if any(keys(name)):
            raise ConfigurationError("holds a key: write 'provider:model', and pass the key as api_key=.", path=path)


def _warn_unknown(provider: str, name: str) -> None:
    if (provider, name) not in _warned:
        _warned.add((provider, name))
        near = nearest_name(provider, name)
        meant = f"; did you mean {provider}:{near}?" if near else "."
        warnings.warn(
            f"{provider}:{name} is not in the catalog{meant} It is used as it is; what Model(...) does not say is unknown.",
            UserWarning,
            stacklevel=2,
        )


def _base_url(entry: Model, row: ProviderRow, path: str, shared: Shared) -> str:
    given = entry.base_url or shared.common.base_url
    if given is None:
        given = row.address(os.environ, entry.region)
        if given is None:
            missing = [names for names in row.places if not any(os.environ.get(name) for name in names.split("|"))]
            names = (
                " and ".join(names.replace("|", " or ") for names in missing) or " or ".join(row.base_url_env) or "base_url="
            )
            raise ConfigurationError(f"{row.name} needs an address. Set {names}, or pass base_url=.", path=f"{path}.base_url")
    if not given.startswith(("http://", "https://")):
        raise ConfigurationError(f"must begin with http:// or https://, not {shown_address(given)!r}.", path=f"{path}.base_url")
    if "?" in given or "#" in given:  # what is asked for comes behind the address
        told = "must end before ? and #: pass a key as api_key=, a version as api_version=, and others in headers="
        raise ConfigurationError(f"{told}; it is {shown_address(given)!r}.", path=f"{path}.base_url")
    return row.complete(given)


def wire_of(
    row: ProviderRow,
    name: str,
    params: Mapping[str, Any],
    reasoning: str | None,
    abilities: Mapping[str, bool],
    max_output: int | None = None,
) -> Wire:
    """How a model of a provider wants to be spoken to."""
    drops, quirks = row.drops_for(name), _quirks(row, name, abilities, max_output)
    if row.dialect == "openai.chat":
        family = family_of(row.name, name)
        drops, quirks = drops | family.drops, chat_quirks(row, family)
    if abilities.get("temperature") is False:
        drops = drops | SAMPLING
    return Wire(
        name,
        max_tokens_field="max_completion_tokens" if row.is_reasoning(name) else row.max_tokens_field,
        system_role=row.system_role(name),
        drops=drops,
        reasoning_fields=row.reasoning_fields,
        stream_usage=row.stream_usage == "option",
        # what a model cannot do natively is done by a tool call, where it can call tools
        native_schema=abilities.get("structured_output") is not False or abilities.get("tools") is False,
        strict_tools=row.strict_tools,
        maker=row.maker or row.name,
        params={**params, **({"reasoning_effort": reasoning} if reasoning else {})},
        quirks=quirks,
        media_limits=row.media_limits,
    )


def _quirks(row: ProviderRow, name: str, abilities: Mapping[str, bool], max_output: int | None) -> dict[str, Any]:
    """Facts that only the row's dialect reads."""
    if row.dialect == "openai.responses":
        reasons = True if row.is_reasoning(name) else abilities.get("reasoning")
        return {} if reasons is None else {"reasoning": reasons}
    if row.dialect != "anthropic.messages":
        return {}
    quirks: dict[str, Any] = {"in_path": True, "anthropic_version": row.body_version} if row.body_version else {}
    if abilities.get("tool_choice") is False:
        quirks["forced_tools"] = False
    if row.server_tools is not None:
        quirks["server_tools"] = row.server_tools
    return {**quirks, "max_output": max_output} if max_output else quirks


def chat_quirks(row: ProviderRow, family: Family) -> dict[str, Any]:
    """What is known of chat completions beside what :class:`~routed_llm.dialects.wire.Wire` has fields for."""
    params = {"temperature": {"most": row.max_temperature}} if row.max_temperature is not None else {}
    told = {
        "echoes": row.echoes_reasoning,
        "details": row.echoes_details,
        "videos": row.takes_videos,
        "joins_texts": row.joins_texts,
        "tool_choices": dict(row.tool_choices),
        "server_tools": row.server_tools,
        "params": {**params, **family.params},
    }
    return {name: value for name, value in told.items() if value}


#: any server that speaks OpenAI's chat completions, given by its address alone
CUSTOM = ProviderRow("custom", "OpenAI-compatible server", "the user's own address", key_required=False, strict_tools=True)
