"""Where in Redis or Valkey many processes share their state. The connection is in :mod:`routed_llm.state.redis_store`."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Literal, cast
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from routed_llm.catalog.hiding import bare, sealed, shown_address
from routed_llm.errors import ConfigurationError
from routed_llm.state.redis_store import RedisStore

__all__ = ["RedisState"]

_SCHEMES = {"redis": "redis", "rediss": "rediss", "unix": "unix", "valkey": "redis", "valkeys": "rediss"}
#: seconds that the background thread waits for a connection, and for an answer
_CONNECT, _ANSWER = 0.5, 0.5


@dataclass(frozen=True)
class RedisState:
    """Where processes share breakers, limits, budgets, conversations' homes, latency and calls in flight.

    Args:
        url: ``redis://host:6379/0``, ``rediss://`` with TLS, ``unix://`` with a path, or ``env:NAME`` of a variable that holds
            one of these. ``?prefix=`` and ``?budgets=`` at its end set what is not given otherwise.
        client: a ready ``redis.Redis``, instead of an address; it is used as it is, in one thread.
        prefix: with what all keys begin: routers of one prefix and one database share their state.
        budgets: what happens to budgets while Redis does not answer: ``local`` goes on with what this process knows and adds it
            later, so that each process may spend what was left; ``refuse`` spends nothing that was not drawn before.
        every: seconds between two beats of the exchange.

    Raises:
        ConfigurationError: for what cannot be meant, and without the package ``redis``.
    """

    url: str | None = field(default=None, repr=False)
    client: Any = field(default=None, repr=False)
    prefix: str = "routed-llm"
    budgets: Literal["local", "refuse"] = "local"
    every: float = 0.5

    def __post_init__(self) -> None:
        if (self.url is None) == (self.client is None):
            raise ConfigurationError("give an address such as 'redis://host:6379/0', or a client.", path="state")
        if self.client is not None and not callable(getattr(self.client, "pipeline", None)):
            raise ConfigurationError(f"must be a redis.Redis, not a {type(self.client).__name__}.", path="state.client")
        if "asyncio" in type(self.client).__module__:
            told = "must be a redis.Redis: the state is shared in a thread, which no event loop waits for; or give its address."
            raise ConfigurationError(told, path="state.client")
        if self.client is None and not str(self.url).startswith("env:"):
            self._take_settings(str(self.url))
        self._check()

    def _take_settings(self, url: str) -> None:
        """What stands behind the question mark, where it is ours."""
        scheme = url.partition("://")[0]
        if "://" not in url or scheme not in _SCHEMES:
            told = f"must begin with redis://, rediss:// or unix://, or be env:NAME; not {shown_address(url)!r}."
            raise ConfigurationError(told, path="state")
        parts = _parts(_SCHEMES[scheme] + url.removeprefix(scheme))
        rest = []
        for name, value in parse_qsl(parts.query):
            if name in ("prefix", "budgets"):
                object.__setattr__(self, name, value)
            else:
                rest.append((name, value))
        object.__setattr__(self, "url", urlunsplit(parts._replace(query=urlencode(rest))))

    def _check(self) -> None:
        if not (isinstance(self.prefix, str) and self.prefix) or set(self.prefix) & set("{}"):
            raise ConfigurationError(f"must be a text without braces, not {self.prefix!r}.", path="state.prefix")
        if self.budgets not in ("local", "refuse"):
            raise ConfigurationError(f"must be 'local' or 'refuse', not {self.budgets!r}.", path="state.budgets")
        number = isinstance(self.every, (int, float)) and not isinstance(self.every, bool)
        if not number or not 0.05 <= self.every <= 60:
            raise ConfigurationError(f"must be a number of seconds from 0.05 to 60, not {self.every!r}.", path="state.every")
        if find_spec("redis") is None:
            raise ConfigurationError("needs the package redis: pip install 'routed-llm[redis]'.", path="state")

    @classmethod
    @sealed
    def of(cls, state: Any) -> RedisState | None:
        """What the argument ``state`` of a router means: an address, a client, a :class:`RedisState`, or None for nowhere.

        Raises:
            ConfigurationError: for what cannot be meant, and for a variable that is not set.
        """
        if state is None:
            return None
        if isinstance(state, str):
            state = cls(state)
        elif not isinstance(state, cls):
            state = cls(client=state)
        cast("RedisState", state).resolved().open()
        return cast("RedisState", state)

    def resolved(self) -> RedisState:
        """The same with the address itself, where a variable holds it.

        Raises:
            ConfigurationError: when the variable is not set, or holds no address.
        """
        if self.url is None or not self.url.startswith("env:"):
            return self
        name = self.url.removeprefix("env:")
        found = os.environ.get(name)
        if not found:
            raise ConfigurationError(f"the environment variable {name} is not set.", path="state")
        if found.startswith("env:"):
            raise ConfigurationError(f"the environment variable {name} must hold an address.", path="state")
        return RedisState(found, prefix=self.prefix, budgets=self.budgets, every=self.every)

    def open(self) -> RedisStore:
        """A store that has not connected yet, where the address is :meth:`resolved`.

        Raises:
            ConfigurationError: for settings in the address that the package ``redis`` does not take.
        """
        if self.client is not None:
            return RedisStore(self.client, self.prefix, "a client given", own=False)
        return RedisStore(_client(str(self.url)), self.prefix, shown_address(str(self.url)), own=True)

    def check_picklable(self) -> None:
        """Refuse to be pickled with a password, or a client.

        Raises:
            ConfigurationError: it names the way out.
        """
        if self.client is not None:
            raise ConfigurationError("a router that holds a client of Redis is not pickled; give its address.", path="state")
        if self.url is not None and (self.url != bare(self.url) or "password" in self.url):
            told = "a secret that was given as text is not pickled; give the address as 'env:NAME'."
            raise ConfigurationError(told, path="state")

    def __reduce__(self) -> tuple[Any, ...]:
        self.check_picklable()
        return (_again, (self.url, self.prefix, self.budgets, self.every))


RedisState.__init__ = sealed(RedisState.__init__)  # type: ignore[method-assign]  # the one that dataclass wrote


def _again(url: str, prefix: str, budgets: Any, every: float) -> RedisState:
    return RedisState(url, prefix=prefix, budgets=budgets, every=every)


def _parts(url: str) -> SplitResult:
    told = "is no address that can be read; a password with / ? # or @ in it is written in percent codes."
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ConfigurationError(told, path="state") from None
    if "@" in shown_address(url):
        raise ConfigurationError(told, path="state")
    return parts


def _client(url: str) -> Any:
    """A client that has not connected; inside it nothing is tried twice: the next beat is the next try."""
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    never = Retry(NoBackoff(), 0)
    try:
        client = redis.Redis.from_url(
            url, socket_timeout=_ANSWER, socket_connect_timeout=_CONNECT, retry=never, decode_responses=True, protocol=2
        )
        client.connection_pool.make_connection()
    except (TypeError, ValueError, redis.RedisError):
        told = "has settings behind its ? that the package redis does not take, or not with these values."
    else:
        return client
    raise ConfigurationError(told, path="state")
