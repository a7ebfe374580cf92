"""The connection of one thread to Redis or Valkey.

Every key begins with the prefix in braces, so that all of them lie in one slot of a cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from routed_llm.state.redis_scripts import BENCH, BENCHES, DRAW, FREE, LET_GO, LIVE, RATE, RENEW, TOKEN
from routed_llm.state.store import Lost, Refused

__all__ = ["RedisStore"]

R = TypeVar("R")

#: seconds for which it is remembered that a deployment was left alone, and that it works again
_REMEMBERED = 600.0


class RedisStore:
    """See :class:`routed_llm.state.exchange.Store`; used by one thread.

    Args:
        client: of the package ``redis``.
        prefix: of all keys.
        where: the address, without secrets.
        own: whether :meth:`close` closes its connections.
    """

    def __init__(self, client: Any, prefix: str, where: str, *, own: bool) -> None:
        self._client = client
        self._prefix = f"{{{prefix}}}:"
        self.where = where
        self._own = own

    def live(self, process: str, told: str, seconds: float) -> Sequence[tuple[str, str]]:
        """Tell this process's numbers, and hear those of all others that live."""
        answer = self._run(LIVE, "live", process, _ms(seconds), told)
        return list(zip(answer[::2], answer[1::2], strict=True))

    def benches(self) -> tuple[float, Sequence[tuple[str, str]]]:
        """The store's time, and all records of benches."""
        now, *answer = self._run(BENCHES, "benches", _ms(_REMEMBERED))
        return float(now) / 1000, list(zip(answer[::2], answer[1::2], strict=True))

    def bench(self, name: str, seconds: float, kind: int, level: int, why: str) -> tuple[float, str]:
        """Leave a deployment alone."""
        now, record = self._run(BENCH, "benches", name, _ms(seconds), kind, level, why, _ms(2 * _REMEMBERED + seconds))
        return float(now) / 1000, record

    def free(self, name: str, record: str) -> bool:
        """A deployment works again."""
        return bool(self._run(FREE, "benches", name, record))

    def token_of(self, name: str, process: str, seconds: float, deployment: str) -> tuple[bool, float, str]:
        """Take a token of which there is one, unless a deployment is left alone again."""
        keys = (self._key(name), self._key("benches"))
        answer = self._answer(lambda: self._client.eval(TOKEN, 2, *keys, process, _ms(seconds), deployment))
        taken, now, record = [_text(each) for each in answer]
        return bool(taken), float(now) / 1000, record

    def token(self, name: str, process: str, seconds: float) -> bool:
        """Take a token of which there is one (``SET NX PX``)."""
        return bool(self._answer(lambda: self._client.set(self._key(name), process, nx=True, px=_ms(seconds))))

    def renew(self, name: str, process: str, seconds: float) -> bool:
        """Keep one's token for longer."""
        return bool(self._run(RENEW, name, process, _ms(seconds)))

    def let_go(self, name: str, process: str) -> None:
        """Give one's token back."""
        self._run(LET_GO, name, process)

    def draw(self, name: str, limit: int, need: int, drawn: int, seconds: float) -> tuple[bool, int]:
        """Draw from an account."""
        granted, all_drawn = self._run(DRAW, name, limit, need, drawn, _ms(seconds))
        return bool(granted), int(all_drawn)

    def rate(
        self, name: str, limit: int, need: int, window: tuple[float, int], drawn: Mapping[int, int]
    ) -> tuple[bool, int, float]:
        """Draw from a sliding window."""
        flat = [number for pair in drawn.items() for number in pair]
        granted, all_drawn, wait = self._run(RATE, name, limit, need, _ms(window[0]), window[1], *flat)
        return bool(granted), int(all_drawn), float(wait) / 1000

    def get(self, name: str) -> str | None:
        """A text that was put."""
        found = _text(self._answer(lambda: self._client.get(self._key(name))))
        return found if isinstance(found, str) else None

    def put(self, name: str, text: str, seconds: float) -> None:
        """Keep a text for some seconds."""
        self._answer(lambda: self._client.set(self._key(name), text, px=_ms(seconds)))

    def close(self) -> None:
        """Close the connection; the next call opens one."""
        if self._own:
            self._client.connection_pool.disconnect()

    def _key(self, name: str) -> str:
        return self._prefix + name

    def _run(self, script: str, name: str, *given: Any) -> Any:
        answer = self._answer(lambda: self._client.eval(script, 1, self._key(name), *given))
        return [_text(each) for each in answer] if isinstance(answer, list) else answer

    def _answer(self, ask: Callable[[], R]) -> R:
        """What the client gives; its errors as the two kinds that count."""
        from redis import exceptions

        try:
            return ask()
        except (exceptions.ConnectionError, exceptions.TimeoutError, exceptions.InvalidResponse, OSError) as error:
            raise Lost(type(error).__name__) from None
        except exceptions.RedisError as error:
            raise Refused(f"{type(error).__name__}: {str(error)[:80]}") from None
        except ValueError:  # what answers there is no Redis
            self.close()
            raise Lost("an answer that cannot be read") from None


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _text(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
