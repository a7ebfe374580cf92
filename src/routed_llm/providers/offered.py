"""Which models a server or provider offers, asked for when somebody says so: never by a router, and never at import."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import orjson

from routed_llm.catalog.cards import find_card
from routed_llm.catalog.hiding import sealed, sealed_async, shown_address
from routed_llm.catalog.models import Model
from routed_llm.catalog.offers import entries_of, next_page, told_of
from routed_llm.dialects.speaking import dialect_of
from routed_llm.dialects.wire import Wire
from routed_llm.errors import ConfigurationError, DiscoveryFailed, ProviderError, UnknownProvider
from routed_llm.providers.credentials import Credential, credential_of
from routed_llm.providers.own_rows import providers_with
from routed_llm.providers.rows import ProviderRow
from routed_llm.providers.strings import CUSTOM
from routed_llm.providers.transport import Fault, Reply, Target, TransportOptions, get_async, get_sync

__all__ = ["adiscover_models", "discover_models"]

#: bytes of one page; OpenRouter's list, the longest, has about half a megabyte
LARGEST = 16 * 1024 * 1024
#: pages of one list; Gemini and Anthropic give up to a thousand models in each
MOST_PAGES = 20


@sealed
def discover_models(
    where: str, *, api_key: Any = None, seconds: float = 10.0, providers: Sequence[ProviderRow] = ()
) -> list[Model]:
    """The chat models that a provider or a server lists, as entries for a router.

    What the list tells (window, longest answer, price, abilities, last day) is said in the entry; of the rest counts what the
    catalog knows, and what nobody tells is unknown. Models that the list or the catalog knows to answer no chat are left out.

    Args:
        where: a provider's name, such as ``openrouter`` or ``ollama``, or the address of an OpenAI-compatible server, such as
            ``http://localhost:8000``; an address without a path gets ``/v1``.
        api_key: as in :class:`~routed_llm.Model`; by default the provider's variable in the environment. The entries hold it
            as it is given here.
        seconds: how long the whole list may take.
        providers: rows of your own, beside those that every router knows.

    Returns:
        One entry for each model, in the server's order.

    Raises:
        UnknownProvider: for what is neither a provider nor an address.
        MissingKey: where the provider needs a key and there is none.
        ConfigurationError: where a provider has no address, no list of models, or a value cannot be meant.
        DiscoveryFailed: where the server does not answer, refuses, answers with something else, or with a list of more than
            twenty pages.
    """
    asking = _Asking.of(where, api_key, seconds, providers)
    until = time.monotonic() + seconds
    transport = get_sync(TransportOptions(max_answer_bytes=LARGEST))
    pages: list[Any] = []
    try:
        key = None if asking.credential is None else asking.credential.get(until).value
        target: Target | None = asking.target(key)
        while target is not None:
            pages.append(asking.read(transport.get(target, until)))
            target = asking.further(pages, key)
    except (Fault, ProviderError) as error:
        raise asking.failed(f"does not tell its models: {error}") from None
    finally:
        transport.close()
    return list(asking.entries(pages))


@sealed_async
async def adiscover_models(
    where: str, *, api_key: Any = None, seconds: float = 10.0, providers: Sequence[ProviderRow] = ()
) -> list[Model]:
    """As :func:`discover_models`, in async code."""
    asking = _Asking.of(where, api_key, seconds, providers)
    until = time.monotonic() + seconds
    transport = get_async(TransportOptions(max_answer_bytes=LARGEST))
    pages: list[Any] = []
    try:
        key = None if asking.credential is None else (await asking.credential.aget(until)).value
        target: Target | None = asking.target(key)
        while target is not None:
            pages.append(asking.read(await transport.get(target, until)))
            target = asking.further(pages, key)
    except (Fault, ProviderError) as error:
        raise asking.failed(f"does not tell its models: {error}") from None
    finally:
        await transport.close()
    return list(asking.entries(pages))


class _Asking(NamedTuple):
    """Where a list is asked for, with which key, and how its entries are named."""

    row: ProviderRow
    base_url: str
    api_key: Any
    credential: Credential | None

    @classmethod
    def of(cls, where: str, api_key: Any, seconds: float, providers: Sequence[ProviderRow]) -> _Asking:
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < float("inf"):
            raise ConfigurationError(f"must be a number of seconds above zero, not {seconds!r}.", path="seconds")
        if not isinstance(where, str):
            raise ConfigurationError(f"must be the name of a provider or an address, not {where!r}.", path="discover")
        if where.startswith(("http://", "https://")):
            if urlsplit(where).query or urlsplit(where).fragment:  # which may hold a key, so it is not told
                raise ConfigurationError("an address has nothing behind '?' or '#' here; a key is api_key=.", path="discover")
            base = where.rstrip("/").removesuffix("/models")
            base = base if urlsplit(base).path else f"{base}/v1"
            credential = credential_of(api_key, (), required=False, provider="this server", path="discover")
            return cls(CUSTOM, base, api_key, credential)
        known = providers_with(providers)
        row = known.find(where)
        if row is None:
            near = known.nearest(where)
            meant = f" Did you mean {near!r}?" if near else ""
            raise UnknownProvider(f"{where!r} is no provider and no address (http://...).{meant}", path="discover")
        if row.dialect == "bedrock.converse" or row.name in ("vertexai", "vertexai_anthropic"):
            raise ConfigurationError(f"{row.title} has no list of models that can be asked for here.", path="discover")
        address = row.address(os.environ)
        if address is None:
            names = " and ".join(row.places) or " or ".join(row.base_url_env)
            raise ConfigurationError(f"{row.name} needs an address: set {names}, or pass it instead.", path="discover")
        credential = credential_of(api_key, row.key_env, required=row.key_required, provider=row.name, path="discover")
        return cls(row, row.complete(address), api_key, credential)

    def target(self, key: str | None, further: tuple[str, str] | None = None) -> Target:
        """The list, or its next part."""
        row = self.row
        header = row.auth_header if row is not CUSTOM else "authorization"
        headers = {"accept": "application/json", **row.headers(os.environ)}
        if row.dialect == "anthropic.messages":
            headers |= dialect_of(row.dialect, "dialect").headers(Wire(""))
        if key:
            headers[header] = f"Bearer {key}" if header.lower() == "authorization" else key
        page = f"?{further[0]}={quote(further[1], safe='')}" if further else ""
        return Target(f"{self.base_url}/models{page}", headers)

    def read(self, reply: Reply) -> Any:
        """The JSON of an answer."""
        if reply.status in (401, 403):
            raise self.failed(f"{'refused the' if self.credential else 'wants a'} key (HTTP {reply.status})")
        if reply.status != 200:
            raise self.failed(f"answered with HTTP {reply.status}")
        try:
            data = orjson.loads(reply.body)
        except orjson.JSONDecodeError:
            raise self.failed("answered with something that is no JSON") from None
        if entries_of(data) is None:
            raise self.failed("answered with something that is no list of models")
        return data

    def further(self, pages: Sequence[Any], key: str | None) -> Target | None:
        """The next part of a list; None where there is none."""
        page = next_page(pages[-1])
        if page is None or (len(pages) > 1 and page == next_page(pages[-2])):
            return None
        if len(pages) >= MOST_PAGES:
            raise self.failed(f"has a list of more than {MOST_PAGES} pages, which is not read")
        return self.target(key, page)

    def entries(self, pages: Sequence[Any]) -> Iterator[Model]:
        """The models of all parts, each once."""
        seen = set()
        for told in (told_of(entry) for page in pages for entry in entries_of(page) or ()):
            if told is None or (name := told.pop("name")) in seen:
                continue
            seen.add(name)
            if self.row is CUSTOM:
                yield Model(name, base_url=self.base_url, api_key=self.api_key, **told)
                continue
            card = find_card(self.row.name, name)
            if card is None or not card.abilities.get("embeddings"):
                yield Model(f"{self.row.name}:{name}", api_key=self.api_key, **told)

    def failed(self, what: str) -> DiscoveryFailed:
        return DiscoveryFailed(f"{shown_address(self.base_url)}/models {what}.")
