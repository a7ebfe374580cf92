"""What every endpoint behind HTTP shares: one URL with its keys, and what goes wrong on the way there, in our errors."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Set
from threading import Lock
from typing import Any, NoReturn, TypeVar

from routed_llm.dialects.errors import error_of
from routed_llm.errors import ConfigurationError, ProviderError
from routed_llm.providers.credentials import RENEW, Credential, Key
from routed_llm.providers.secret_texts import Secrets, secrets_in
from routed_llm.providers.transport import (
    ABORT,
    AsyncTransport,
    Fault,
    Origin,
    Reply,
    Resent,
    Target,
    Transport,
    TransportOptions,
    get_async,
    get_sync,
    origin_of,
)
from routed_llm.requests import Mode

__all__ = ["HttpLine", "Transports", "error_of_fault", "holds_answer"]

R = TypeVar("R")

#: seconds for which a key is set aside after its account ran out of money, and after any other refusal
QUOTA_ASIDE, REFUSED_ASIDE = 600.0, float("inf")
NO_KEY = Key(0, "")

#: two threads that call first make one transport: a second one would end under its calls
_making = Lock()


class Transports:
    """The sync and the async transport of an endpoint, made when first used."""

    __slots__ = ("_async", "_origins", "_sync", "options")

    def __init__(self, options: TransportOptions) -> None:
        self.options = options
        self._sync: Transport | None = None
        self._async: AsyncTransport | None = None
        self._origins: Set[Origin] | None = None

    def sync(self) -> Transport:
        """The sync form."""
        if (made := self._sync) is None:
            with _making:
                if (made := self._sync) is None:
                    made = self._sync = get_sync(self.options)
                    made.keep_only(self._origins)
        return made

    def asynchronous(self) -> AsyncTransport:
        """The async form."""
        if (made := self._async) is None:
            with _making:
                if (made := self._async) is None:
                    made = self._async = get_async(self.options)
                    made.keep_only(self._origins)
        return made

    def keep_only(self, origins: Set[Origin] | None) -> None:
        """See :meth:`routed_llm.providers.transport.Transport.keep_only`."""
        with _making:  # one that is made meanwhile would keep to the former ones
            self._origins = origins
            for transport in (self._sync, self._async):
                if transport is not None:
                    transport.keep_only(origins)

    def close(self) -> None:
        """Close every connection of this process, without waiting; the next call opens new ones."""
        sync, asynchronous, self._sync, self._async = self._sync, self._async, None, None
        if sync is not None:
            sync.close()
        if asynchronous is not None:
            asynchronous.end()

    async def aclose(self) -> None:
        """The same, and wait for the connections of the running loop."""
        asynchronous = self._async
        self.close()
        if asynchronous is not None:
            await asynchronous.close()

    def __reduce__(self) -> tuple[Any, ...]:
        raise ConfigurationError("connections, and the passwords of proxies, are not pickled; pickle the router.")


class _Targets:
    """What was made for each key; no representation shows the keys."""

    __slots__ = ("made", "secrets")

    def __init__(self) -> None:
        self.made: dict[str | tuple[str, str], Target] = {}
        self.secrets: dict[str, Secrets] = {}


class HttpLine:
    """One URL, the keys for it, and the transports that lead there.

    Args:
        url: where requests are posted.
        credential: its keys; None where it needs none.
        key_header: ``Authorization`` (with ``Bearer``) or the bare header that carries the key.
        headers: further headers.
        transports: the transports to use.
    """

    modes: frozenset[Mode] = frozenset({"sync", "async"})

    def __init__(
        self,
        url: str,
        credential: Credential | None,
        *,
        key_header: str = "Authorization",
        headers: Mapping[str, str] | None = None,
        transports: Transports | None = None,
    ) -> None:
        # made once without a key, so that a URL or a header that cannot be sent is refused now
        self._plain = Target(url, {"content-type": "application/json", **(headers or {})})
        self.url = self._plain.url
        self.credential = credential
        self._key_header = key_header.lower()
        self._transports = transports or Transports(TransportOptions())
        self._targets = _Targets()

    @property
    def network(self) -> float | None:
        """Seconds there and back, by the connections that were made; None where none was, and through a proxy."""
        known = [n for target in (self._plain, *self._targets.made.values()) if (n := target.network) is not None]
        return min(known, default=None)

    def __deepcopy__(self, memo: object) -> Any:
        return self

    def __reduce__(self) -> NoReturn:
        raise ConfigurationError("an endpoint holds keys and connections and is not pickled; pickle the router.")

    @property
    def lists(self) -> bool:
        """Whether the server is known to tell its models, so that :meth:`check` can ask for them."""
        return self._list_url is not None

    def check(self, until: float) -> None:
        """Ask for the list of models, which costs nothing: the server answers and takes the key.

        Raises:
            ProviderError: as a call would, but for a server that has no such list.
        """
        key = self._key(until)
        target = Target(self._list_url or self.url, self._target(key).headers)
        try:
            reply = self._transports.sync().get(target, until)
        except Fault as fault:
            raise error_of_fault(fault) from None
        if not holds_answer(reply.status):
            error = self._told(reply.status, reply.headers, reply.body, key)
            if error.kind not in ("not_found", "bad_request"):
                raise self._refused(error, key)

    @property
    def _list_url(self) -> str | None:
        address = self.url.partition("?")[0]
        for ending in ("/chat/completions", "/embeddings"):
            if address.endswith(ending):
                return address.removesuffix(ending) + "/models"
        return None

    @property
    def leads(self) -> tuple[Transports, Set[Origin]]:
        """Its transports, and the origins to which they lead for it."""
        return self._transports, {origin_of(self.url)}

    def close(self) -> None:
        """Close its connections, and those of all models that share them; the next call opens new ones."""
        self._transports.close()

    async def aclose(self) -> None:
        """The same, and wait for the connections of the running loop."""
        await self._transports.aclose()

    def _key(self, until: float) -> Key:
        return self.credential.get(until) if self.credential is not None else NO_KEY

    async def _akey(self, until: float) -> Key:
        return await self.credential.aget(until) if self.credential is not None else NO_KEY

    def _target(self, key: Key, url: str | None = None) -> Target:
        made = self._targets.made
        name = key.value if url is None or url == self.url else (key.value, url)
        target = made.get(name)
        if target is None:
            if len(made) > 64:  # tokens that change by the hour must not pile up
                made.clear()
            target = made[name] = self._made(key, url or self.url)
        return target

    def _made(self, key: Key, url: str) -> Target:
        if not key.value:
            return self._plain if url == self.url else Target(url, self._plain.headers)
        bearer = self._key_header == "authorization"
        return Target(url, {**self._plain.headers, self._key_header: f"Bearer {key.value}" if bearer else key.value})

    def _secrets(self, key: Key) -> Secrets:
        """What a provider, or a proxy, may repeat of a request; gathered only where something failed."""
        found = self._targets.secrets.get(key.value)
        if found is None:
            if len(self._targets.secrets) > 64:
                self._targets.secrets.clear()
            found = self._targets.secrets[key.value] = self._gathered(key)
        return found

    def _gathered(self, key: Key) -> Secrets:
        from routed_llm.providers.transport_options import proxy_for  # with what TLS needs

        headers = {**self._transports.options.headers, **self._target(key).headers}
        proxy = proxy_for(self.url, self._transports.options)
        if proxy is not None and proxy.authorization is not None:
            headers["proxy-authorization"] = proxy.authorization
        return secrets_in((key.value,), headers)

    def _told(self, status: int, headers: Mapping[str, str], body: bytes, key: Key) -> ProviderError:
        """The error that an answer tells of; secrets leave the body before anything of it is shortened."""
        return self._error(status, headers, self._secrets(key).out_of_body(body))

    def _addressed(self, key: Key, url: str, body: bytes) -> Target:
        """Where a body goes and with which headers; those that are signed depend on it."""
        return self._target(key, url)

    def _refused(self, error: ProviderError, key: Key) -> ProviderError:
        """Set the key aside that was refused, and tell whether another one is left; the error repeats no secret."""
        self._secrets(key).out_of_error(error)
        if self.credential is not None and error.kind in ("auth", "quota", "rate_limit"):
            aside = {"auth": REFUSED_ASIDE, "quota": QUOTA_ASIDE}.get(error.kind, min(error.retry_after or 1.0, 60.0))
            error.again_at_once = self.credential.refuse(key, aside)
            if error.kind == "auth" and self.credential.is_renewable(key.number):
                error.retry_after = RENEW  # a new key may come; until then the deployment is left alone, not for good
        return error

    def _post(self, body: bytes, until: float, read: Callable[[bytes], R], *, once: bool = False, resent: Resent = None) -> R:
        """A whole answer, in sync code, as ``read`` understands its body."""
        key = self._key(until)
        try:
            reply = self._transports.sync().post(
                self._addressed(key, self.url, body), body, until, ABORT.get(), once=once, resent=resent
            )
        except Fault as fault:
            raise error_of_fault(fault) from None
        return self._read(reply, key, read)

    async def _apost(
        self, body: bytes, until: float, read: Callable[[bytes], R], *, once: bool = False, resent: Resent = None
    ) -> R:
        """A whole answer, in async code; see :meth:`_post`."""
        key = await self._akey(until)
        try:
            reply = await self._transports.asynchronous().post(
                self._addressed(key, self.url, body), body, until, once=once, resent=resent
            )
        except Fault as fault:
            raise error_of_fault(fault) from None
        return self._read(reply, key, read)

    def _error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """The error that an answer tells of."""
        return error_of(status, headers, body)

    def _read(self, reply: Reply, key: Key, read: Callable[[bytes], R]) -> R:
        if not holds_answer(reply.status):
            raise self._refused(self._told(reply.status, reply.headers, reply.body, key), key)
        try:
            return read(reply.body)
        except ProviderError as error:
            raise self._refused(error, key) from None


def holds_answer(status: int) -> bool:
    """Whether an answer comes with this status: proxies say 203 and some servers 201; 202 and 204 have none."""
    return status == 200 or (200 < status < 300 and status not in (202, 204))


def error_of_fault(fault: Fault, phase: str | None = None) -> ProviderError:
    """A fault of the transport as the failure of an attempt."""
    return ProviderError(fault.kind, fault.detail, phase=phase or fault.phase, sent=fault.sent)


def _after_fork() -> None:
    global _making
    _making = Lock()  # another thread of the parent may have held it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
