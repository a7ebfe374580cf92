"""The rows of ``providers.toml``: what a provider is called, where it is, how it wants to be asked.

A row is data. Nothing here opens a connection; the environment is only read through the mapping that is passed. Users' own rows
(:mod:`routed_llm.providers.own_rows`) stand beside those of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from routed_llm.refusing import most_like

__all__ = ["PLACE", "SAMPLING", "ProviderRow", "Providers", "find_row", "known_providers", "load_rows", "nearest_provider"]

#: the place of a variable in an address or a header
PLACE = re.compile(r"\{([A-Z0-9_|]+)\}")
#: parameters that OpenAI's reasoning models refuse (OpenAI documentation, reasoning models)
SAMPLING = frozenset(
    {"temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "logit_bias"}
)


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """One provider. What is a list of texts here may be given as one text or several.

    Args:
        name: stands in front of its models' names.
        title: its own name.
        source: where the row's facts come from.
        base_url: where it is; None where every customer has an address of their own. Names of variables in braces stand for
            what the environment says; of ``{A|B}`` the first that is set.
        hosts: names of hosts that are written otherwise than ``base_url`` makes them.
        region_urls: the address for an entry's ``region``, where it is another one.
        base_url_env: environment variables that may hold another address; the first that is set wins.
        base_path: added to an address that comes without a path.
        default_port: added to an address from the environment that has no port.
        dialect: the language of its chat interface; see :data:`~routed_llm.dialects.speaking.DIALECTS`.
        maker: who signs what comes with its answers, where that is not the provider itself (Claude at Vertex: ``anthropic``).
        body_version: ``anthropic_version`` of bodies in the dialect ``anthropic.messages`` where the model stands in the path.
        path: added to the base for a chat completion, in OpenAI's dialect.
        responses_path: the same in the dialect ``openai.responses``.
        embeddings_path: added to the base for embeddings.
        embeddings_auth_header: header that carries the key there, where it is another one.
        embeddings_base64: whether it is known to send vectors in base64 when asked.
        embeddings_types: its words in the parameter ``input_type`` for a ``query`` and a ``document``; empty where it has none.
        classic_path: from the server's root and with one of the paths above, for calls that name an ``api_version`` (Azure
            OpenAI's classic form).
        key_env: environment variables that may hold the key; the first that is set wins.
        key_required: False where it answers without a key.
        signing: ``aws`` where requests without a key are signed instead (extra ``bedrock``).
        auth_header: header that carries the key; in ``Authorization`` it is a bearer token.
        extra_headers: headers of every request; one that names a variable in braces is left out where that is not set.
        aliases: other names by which users know it.
        local: runs on the user's own machine.
        max_tokens_field: its word for the longest answer.
        system_role_for_reasoning: role of system messages for reasoning models.
        reasoning_fields: where its answers hold reasoning; the first that is there counts.
        echoes_reasoning: field of an earlier answer in which its plain reasoning goes back; empty where it does not.
        echoes_details: whether ``reasoning_details`` that are signed or encrypted go back to it.
        takes_videos: whether its chat completions take parts of the type ``video_url`` from the user.
        joins_texts: whether content of several texts is sent as one.
        max_temperature: a higher temperature is sent as this.
        tool_choices: its words for ``auto``, ``none`` and ``required``; another of these three instead is told as a loss.
        stream_usage: whether usage in streams is sent ``always``, or needs the ``option`` ``include_usage``.
        reasoning_models: beginnings of the names of models that refuse sampling parameters, take the role above, and
            need ``max_completion_tokens``.
        reasoning_except: parts of names that take a model out of these again.
        drops: parameters that it refuses, whatever the model.
        strict_tools: whether it takes ``strict`` in tools.
        server_tools: types of tools beside functions that it runs; one that ends with ``*`` is the beginning of several. Where
            it says nothing: those of its dialect, which are none in chat completions.
        lacks: abilities that this endpoint does not have, whatever is known of the model.
        unsure: abilities that are unknown at this endpoint, whatever is known of the model.
        media_limits: how much of media it takes in a request: bytes of one (``image_bytes``, ``pdf_bytes``, ``audio_bytes``,
            ``video_bytes``), how many (``image_count`` ...), and all their data in base64 (``request_bytes``). A call beyond a
            limit goes to others; what is not known is not limited.
        pool: one current model each by level (``cheap``, ``middle``, ``strong``), in this order.
    """

    name: str
    title: str = ""
    source: str = "the user's own"
    base_url: str | None = None
    hosts: Mapping[str, str] = field(default_factory=dict, hash=False)
    region_urls: Mapping[str, str] = field(default_factory=dict, hash=False)
    base_url_env: tuple[str, ...] = ()
    base_path: str = ""
    default_port: int | None = None
    dialect: str = "openai.chat"
    maker: str = ""
    body_version: str = ""
    path: str = "/chat/completions"
    responses_path: str = "/responses"
    embeddings_path: str = "/embeddings"
    embeddings_auth_header: str = ""
    embeddings_base64: bool = False
    embeddings_types: Mapping[str, str] = field(default_factory=dict, hash=False)
    classic_path: str | None = None
    key_env: tuple[str, ...] = ()
    key_required: bool = True
    signing: Literal["", "aws"] = ""
    auth_header: str = "Authorization"
    extra_headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    aliases: tuple[str, ...] = ()
    local: bool = False
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    system_role_for_reasoning: Literal["system", "developer"] = "system"
    reasoning_fields: tuple[str, ...] = ("reasoning_content", "reasoning")
    echoes_reasoning: str = ""
    echoes_details: bool = False
    takes_videos: bool = False
    joins_texts: bool = False
    max_temperature: float | None = None
    tool_choices: Mapping[str, str] = field(default_factory=dict, hash=False)
    stream_usage: Literal["option", "always"] = "option"
    reasoning_models: tuple[str, ...] = ()
    reasoning_except: tuple[str, ...] = ()
    drops: frozenset[str] = frozenset()
    strict_tools: bool = False
    server_tools: tuple[str, ...] | None = None
    lacks: frozenset[str] = frozenset()
    unsure: frozenset[str] = frozenset()
    media_limits: Mapping[str, int] = field(default_factory=dict, hash=False)
    pool: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", self.title or self.name)
        for kind, names in _SEVERAL.items():
            for name in names:
                value: Any = getattr(self, name)
                if type(value) is not kind and value is not None:
                    object.__setattr__(self, name, kind([value] if isinstance(value, str) else value))

    def is_reasoning(self, model: str) -> bool:
        """Whether a model is one of ``reasoning_models``; a fine-tune is as its base."""
        name = model.lower().removeprefix("ft:")
        return name.startswith(self.reasoning_models) and not any(part in name for part in self.reasoning_except)

    def drops_for(self, model: str) -> frozenset[str]:
        """The parameters that a model refuses here."""
        return self.drops | SAMPLING if self.is_reasoning(model) else self.drops

    def system_role(self, model: str) -> str:
        """The role of system messages for a model."""
        return self.system_role_for_reasoning if self.is_reasoning(model) else "system"

    def abilities(self, known: Mapping[str, bool]) -> dict[str, bool]:
        """What a model can do at this endpoint, from what it can do at its maker's own interface."""
        kept = {name: can for name, can in known.items() if name not in self.unsure}
        return {**kept, **dict.fromkeys(self.lacks, False)}

    def headers(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The further headers, as far as their variables are set."""
        return {
            name: PLACE.sub(lambda place: _first_set(place[1], environ) or "", value)
            for name, value in self.extra_headers.items()
            if all(_first_set(names, environ) for names in PLACE.findall(value))
        }

    def key_name(self, environ: Mapping[str, str]) -> str | None:
        """The environment variable that holds the key: the first that is set and not empty; None where none is."""
        return next((name for name in self.key_env if environ.get(name)), None)

    def address(self, environ: Mapping[str, str], region: str | None = None) -> str | None:
        """The base URL: that of the environment, else the region's, else the row's own; None where not all of it is known."""
        told = next((environ[name] for name in self.base_url_env if environ.get(name)), None)
        if told is not None:
            return self.complete(told)
        if region is not None and region in self.region_urls:
            return self.region_urls[region]
        if self.base_url is None or not all(_first_set(names, environ) for names in self.places):
            return None
        url = PLACE.sub(lambda place: quote(_first_set(place[1], environ) or "", safe=""), self.base_url)
        host = urlsplit(url).netloc
        return url.replace(host, self.hosts.get(host, host), 1)

    @property
    def places(self) -> tuple[str, ...]:
        """The variables that the address needs, in the order of their first places in it; ``A|B`` is the first that is set."""
        return tuple(dict.fromkeys(PLACE.findall(self.base_url or "")))

    def complete(self, address: str) -> str:
        """An address as a base URL, with the scheme, port and path that this provider has where they are left out."""
        url = address.strip().rstrip("/")
        if "://" not in url:
            url = f"http://{url}"
        parts = urlsplit(url)
        if self.default_port and parts.port is None and parts.scheme == "http":
            url = url.replace(parts.netloc, f"{parts.netloc}:{self.default_port}", 1)
        return url if parts.path else url + self.base_path

    def chat_url(self, base_url: str, model: str, api_version: str | None = None) -> str:
        """Where a chat completion is posted.

        Args:
            base_url: as :meth:`address` or the user gives it.
            model: the model's (at Azure: the deployment's) name.
            api_version: asks for the classic form where the provider has one.
        """
        return self._url(self.path, base_url, model, api_version)

    def responses_url(self, base_url: str, api_version: str | None = None) -> str:
        """Where a response is asked for; Azure's classic form names no deployment here (Microsoft Learn, Responses API)."""
        base = base_url.rstrip("/")
        if api_version is None or self.classic_path is None:
            return base + self.responses_path
        root = base.partition("/deployments/")[0].removesuffix(self.base_path).removesuffix("/openai")
        return f"{root}/openai{self.responses_path}?api-version={quote(api_version)}"

    def embeddings_url(self, base_url: str, model: str, api_version: str | None = None) -> str:
        """Where texts are posted to be embedded; arguments as of :meth:`chat_url`."""
        return self._url(self.embeddings_path, base_url, model, api_version)

    def _url(self, path: str, base_url: str, model: str, api_version: str | None) -> str:
        base = base_url.rstrip("/")
        if api_version is None or self.classic_path is None:
            return base + path
        if "/deployments/" in base:
            return f"{base}{path}?api-version={quote(api_version)}"
        root = base.removesuffix(self.base_path).removesuffix("/openai")
        return root + self.classic_path.format(model=quote(model, safe=""), path=path, api_version=quote(api_version))


#: fields that hold several texts
_SEVERAL: Mapping[type, tuple[str, ...]] = {
    tuple: (
        "base_url_env",
        "key_env",
        "aliases",
        "reasoning_fields",
        "reasoning_models",
        "reasoning_except",
        "server_tools",
    ),
    frozenset: ("drops", "lacks", "unsure"),
}


def _first_set(names: str, environ: Mapping[str, str]) -> str | None:
    return next((environ[name] for name in names.split("|") if environ.get(name)), None)


@lru_cache(maxsize=1)
def load_rows() -> Mapping[str, ProviderRow]:
    """All rows by our name, in the order of the file; read once. Not to be changed."""
    import tomllib  # only the first call needs these two
    from importlib.resources import files

    text = (files("routed_llm.providers") / "providers.toml").read_text(encoding="utf-8")
    return {name: ProviderRow(name=name, **values) for name, values in tomllib.loads(text).items()}


class Providers:
    """The providers of one router: those of the file, and the user's own, which go before them."""

    def __init__(self, own: Iterable[ProviderRow] = ()) -> None:
        #: all rows by our name
        self.rows: Mapping[str, ProviderRow] = {**load_rows(), **{row.name: row for row in own}}
        self._named = {name: row for row in self.rows.values() for name in (row.name, *row.aliases)}

    def find(self, name: str) -> ProviderRow | None:
        """The row of a provider, by our name or an alias, without regard to case; None where there is none."""
        return self._named.get(name.lower())

    def nearest(self, name: str) -> str | None:
        """The provider whose name or alias is most like ``name``, by our name; None where none is."""
        near = most_like(name.lower(), self._named)
        return None if near is None else self._named[near].name


@lru_cache(maxsize=1)
def known_providers() -> Providers:
    """The providers that every router knows."""
    return Providers()


def find_row(name: str) -> ProviderRow | None:
    """The row of a provider that every router knows; see :meth:`Providers.find`."""
    return known_providers().find(name)


def nearest_provider(name: str) -> str | None:
    """Of the providers that every router knows the one most like ``name``; see :meth:`Providers.nearest`."""
    return known_providers().nearest(name)
