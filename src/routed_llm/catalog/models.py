"""What a user says about one model: the :class:`Model` entry, plain data without any call."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any, Literal

from routed_llm.abilities import ABILITIES
from routed_llm.catalog.hiding import is_literal, shown_address
from routed_llm.catalog.known import Known, Place, parsed
from routed_llm.catalog.naming import check_name
from routed_llm.catalog.price_words import parsed_price
from routed_llm.catalog.prices import Price
from routed_llm.errors import ConfigurationError
from routed_llm.refusing import nearest

__all__ = ["Model"]

#: fields that no representation shows
_SECRET = frozenset({"api_key", "credential", "headers", "proxy"})


@dataclass(slots=True)
class Model:
    """One model of a router, with what the user wants to say about it. Everything but ``model`` may be left out.

    Args:
        model: ``"provider:model"``, a framework's chat model, an ``openai`` client, or a program that answers what it can: a
            LangChain Runnable, a LlamaIndex query or chat engine, a function.
        served_model: the model's name on the wire, for an ``openai`` client.
        name: alias by which hints, ``model=`` and answers name it; ``"provider:model"`` by default.
        base_url: endpoint of an OpenAI-compatible server, such as ``http://localhost:8000/v1``.
        api_key: the key itself, ``"env:NAME"``, ``"file:PATH"``, ``"command:PROGRAM ARG"``, a callable (sync or async), or a
            list of these, which are used in turn.
        credential: a function, sync or async, that gives the key or token of each call; instead of ``api_key``.
        price: a mapping of US dollars per million tokens (``input``, ``output``, ``cache_read``, ``cache_write``,
            ``cache_write_long``, ``audio_input``, ``audio_output``, ``reasoning``; in dollars by the piece ``request``,
            ``image`` and ``search``; ``tiers`` for long prompts, ``hours`` for windows of the day) or a ``Price``.
        context: longest prompt in tokens.
        max_output: longest answer in tokens.
        abilities: names of what it can do, or a mapping of names to True and False; see :data:`routed_llm.abilities.ABILITIES`.
        region: where it runs; compared with the hint ``region``.
        tags: free labels that the hints ``prefer`` and ``exclude`` can name.
        private: True marks it fit for calls with the hint ``private``; on loopback that is so by itself.
        weight: its share in the strategy ``weighted``.
        params: generation parameters of its own; those of a call win over them.
        reasoning: reasoning effort (``minimal``, ``low``, ``medium``, ``high``); one model with two efforts is two candidates.
        deployments: several endpoints of this model; each entry fills in what differs.
        headers: HTTP headers of its own.
        proxy: URL of a proxy; by default the environment decides (HTTPS_PROXY, NO_PROXY).
        ca_bundle: file of trusted certificates; by default SSL_CERT_FILE, else the usual store.
        client_cert: file of a client certificate, or a pair of files (certificate, key).
        api_version: Azure OpenAI's ``api-version``, for its classic endpoints.
        keep_retries: leave a framework object's own retries on.
        factory: makes the framework object; for routers that are pickled.
        quality: how good its answers are in general, 0 to 1, on one scale for all models of the pool.
        strengths: the same by task (``code_debug``), group of tasks (``code``), domain (``legal``), language
            (``language:de``) or programming language (``code:python``).
        knowledge: the day until which it knows the world, such as ``2026-03-31``.
        factuality: share of its claims that are true, 0 to 1.
        agreements: what its provider has signed or promised, in free words such as ``baa``, ``dpa``, ``no_training``,
            ``zero_retention``, ``gdpr``, ``soc2``; compared in lower case.
        residency: further regions that it counts as, beside ``region``.
        place: ``device`` (this machine), ``on_premises`` or ``cloud``; on loopback ``device`` by itself.
        languages: languages that it is known to be good at, as ISO 639 codes.
        traits: words for its manner, such as ``{"tone": "concise"}``; the strategy ``preference`` compares them.
        network: seconds that the network takes to it and back.
        prepaid: capacity that is paid for already: ``{"tokens_per_minute": n}``.
        latency: what to expect before anything was measured: ``{"first_content": seconds, "tokens_per_second": n}``.
        limits: its provider's limits: ``requests_per_minute``, ``tokens_per_minute``, ``concurrent``.
        usage_policy: what it may be used for: ``{"forbids": ["legal"], "requires": ["baa"]}``. It is asked for no task or
            domain that is forbidden, nor while it is not known whether a call is such; and for nothing without all of the
            ``agreements`` that are required.
        retires: the day (UTC) from which it is not served any more, such as ``2026-12-31``; by default what the catalog knows
            of its very name. It is not asked from that day on. False says that no known day counts.
        dialect: the language in which it is asked, such as ``openai.responses``; by default that of its provider's row.
        input: what a program takes: ``text`` (the last one of the user), ``messages``, or a function that makes it of the
            messages; by default as its input schema or its first argument says.
    """

    model: Any = None
    name: str | None = None
    served_model: str | None = None
    base_url: str | None = None
    api_key: Any = None
    credential: Callable[[], Any] | None = None
    price: Mapping[str, Any] | Price | None = None
    context: int | None = None
    max_output: int | None = None
    abilities: Mapping[str, bool] | Sequence[str] | None = None
    region: str | None = None
    tags: Sequence[str] = ()
    private: bool | None = None
    weight: float = 1.0
    params: Mapping[str, Any] = field(default_factory=dict)
    reasoning: str | None = None
    deployments: Sequence[Model] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    proxy: str | None = None
    ca_bundle: str | None = None
    client_cert: str | tuple[str, str] | None = None
    api_version: str | None = None
    keep_retries: bool = False
    factory: Callable[[], Any] | None = None
    quality: float | None = None
    strengths: Mapping[str, float] = field(default_factory=dict)
    knowledge: str | date | None = None
    factuality: float | None = None
    agreements: str | Sequence[str] = ()
    residency: str | Sequence[str] = ()
    place: Place | None = None
    languages: str | Sequence[str] = ()
    traits: Mapping[str, str | float | bool] = field(default_factory=dict)
    network: float | None = None
    prepaid: Mapping[str, float] = field(default_factory=dict)
    latency: Mapping[str, float] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    usage_policy: Mapping[str, Sequence[str]] = field(default_factory=dict)
    retires: str | date | Literal[False] | None = None
    dialect: str | None = None
    input: str | Callable[[Any], Any] | None = None

    def __repr__(self) -> str:
        told = [f"{name}={value!r}" for name, value in self.shown().items() if name != "model"]
        if self.model is not None:  # an object's own words may hold its key: LlamaIndex's LLMs show it
            told.insert(0, f"model={self.model!r}" if isinstance(self.model, str) else f"model=<{type(self.model).__name__}>")
        return f"Model({', '.join(told)})"

    def shown(self) -> dict[str, Any]:
        """What was said, without keys, headers, proxy, and user, password and query in ``base_url``."""
        told = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _SECRET}
        if isinstance(self.base_url, str):
            told["base_url"] = shown_address(self.base_url)
        empty = {f.name: f.default for f in fields(self)}
        return {name: value for name, value in told.items() if value not in ((), {}) and not _same(value, empty[name])}

    def check_picklable(self, path: str) -> None:
        """Refuse to be pickled while holding a secret, or an object without a factory; names it, and the way out.

        Raises:
            ConfigurationError: with the path of the offending key.
        """
        for name, found, way in (
            ("api_key", is_literal(self.api_key), "give it as 'env:NAME', 'file:PATH' or a function"),
            ("headers", bool(self.headers), "they may hold keys: make the router where it is needed"),
            ("proxy", _may_tell(self.proxy), "set the environment variable HTTPS_PROXY instead"),
            ("base_url", _may_tell(self.base_url), "give the key as api_key='env:NAME', or make the router where it is needed"),
        ):
            if found:
                raise ConfigurationError(f"a secret that was given as text is not pickled; {way}.", path=f"{path}.{name}")
        if self.factory is None and self.model is not None and not isinstance(self.model, str):
            raise ConfigurationError(
                f"a router that holds a {type(self.model).__name__} object is not pickled; "
                "pass Model(factory=...) that makes it.",
                path=path,
            )
        for number, part in enumerate(self.deployments):
            part.check_picklable(f"{path}.deployments[{number}]")

    def __copy__(self) -> Model:
        return replace(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Model:
        return Model(**{f.name: copy.deepcopy(getattr(self, f.name), memo) for f in fields(self)})

    def __reduce__(self) -> tuple[Any, ...]:
        self.check_picklable("Model")
        return (_entry, ({f.name: getattr(self, f.name) for f in fields(self)},))

    def check(self, path: str) -> None:
        """Refuse values that cannot be meant.

        Raises:
            ConfigurationError: with the path of the offending key.
        """
        for name in ("context", "max_output"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value <= 0):
                raise ConfigurationError(f"must be a number of tokens above zero, not {value!r}.", path=f"{path}.{name}")
        for name, kinds in (("params", Mapping), ("headers", Mapping), ("tags", (str, list, tuple, set, frozenset))):
            if not isinstance(getattr(self, name), kinds):
                raise ConfigurationError(f"must not be a {type(getattr(self, name)).__name__}.", path=f"{path}.{name}")
        for name in ("name", "region", "reasoning", "base_url", "proxy", "served_model", "dialect"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, str) and value):
                raise ConfigurationError(f"must be a non-empty text, not {value!r}.", path=f"{path}.{name}")
        for name in ("model", "name", "served_model"):
            if isinstance(value := getattr(self, name), str):
                check_name(value, f"{path}.{name}")
        if self.credential is not None and not callable(self.credential):
            raise ConfigurationError("must be a function; a key goes into api_key.", path=f"{path}.credential")
        if isinstance(self.weight, bool) or not isinstance(self.weight, (int, float)) or not 0 <= self.weight < float("inf"):
            raise ConfigurationError(f"must be a number of at least zero, not {self.weight!r}.", path=f"{path}.weight")
        self.parsed_price(path)
        self.parsed_abilities(path)
        self.known(path)

    def parsed_price(self, path: str) -> Price | None:
        """The price given here, or None.

        Raises:
            ConfigurationError: for a negative, infinite or NaN price, or a key that is none.
        """
        return parsed_price(self.price, f"{path}.price")

    def known(self, path: str) -> Known:
        """What was said for choosing, checked: quality, strengths, agreements, place ...

        Raises:
            ConfigurationError: with the path of the offending key.
        """
        return parsed({name: getattr(self, name) for name in Known.__annotations__}, path)

    def parsed_abilities(self, path: str) -> dict[str, bool]:
        """The abilities given here, by name.

        Raises:
            ConfigurationError: for a name that is no ability.
        """
        given = self.abilities or {}
        named = dict(given) if isinstance(given, Mapping) else dict.fromkeys([given] if isinstance(given, str) else given, True)
        for name in named:
            if name not in ABILITIES:
                meant = nearest(name, ABILITIES)
                raise ConfigurationError(
                    f"unknown ability {name!r}.{meant} Known: {', '.join(ABILITIES)}.", path=f"{path}.abilities"
                )
        return named


def _same(value: Any, default: Any) -> bool:
    """Whether a value is the default; True is no 1.0 and False no 0."""
    return isinstance(value, bool) is isinstance(default, bool) and bool(value == default)


def _may_tell(address: Any) -> bool:
    """Whether an address has what is not shown of it."""
    return isinstance(address, str) and shown_address(address) != address


def _entry(told: dict[str, Any]) -> Model:
    """A pickled entry."""
    return Model(**told)
