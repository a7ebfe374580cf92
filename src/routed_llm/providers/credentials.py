"""Keys: whose turn it is, and which are set aside. A secret leaves this file only inside a :class:`Key`, for a header.

A reference is the key itself, ``env:NAME``, ``file:PATH``, ``command:PROGRAM ARG``, a callable, or anything with
``get_secret_value()``. A source that cannot be read, or gives what is no key, fails like a refused key (kind ``auth``): the
next deployment is asked, and a source that may give another key later is read again after :data:`RENEW` seconds.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from routed_llm.catalog.hiding import is_literal
from routed_llm.errors import AsyncOnly, ConfigurationError, MissingKey, ProviderError
from routed_llm.providers.blocking import Threads, within
from routed_llm.providers.key_sources import Source, source_of, usable

__all__ = ["RENEW", "Credential", "Key", "credential_of"]

#: seconds after which a source that failed, or gave a refused key, is asked for a new one
RENEW = 30.0
FOREVER = float("inf")
#: of all credentials together; other work in the event loop's own threads must not hold up a key
_THREADS = Threads(32)


class Key:
    """One key on its way into a header, with its number in the credential. Nothing that prints variables shows it."""

    __slots__ = ("number", "value")

    def __init__(self, number: int, value: str) -> None:
        self.number = number
        self.value = value

    def __repr__(self) -> str:
        return f"<key {self.number}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not pickled")


class Credential:
    """The keys of one deployment, used in turn; a key that was refused is set aside.

    ``label`` names them without showing them. Pickling keeps references and drops what they gave.
    """

    def __init__(self, references: Sequence[Any], path: str) -> None:
        self._sources = [source_of(reference, path) for reference in references]
        # in a function, where nothing that lists attributes finds them
        self._reduced: Callable[[], tuple[Any, ...]] = lambda: _reduced(references, path)
        self._aside: dict[int, float] = {}
        #: the key of each source that was refused last
        self._refused: dict[int, Key] = {}
        self._turn = 0
        self._lock = threading.RLock()
        first = self._sources[0].at_hand() if len(self._sources) == 1 and not self._sources[0].renewable else None
        #: the only key there ever is, so that the hot path can skip everything else
        self._only = Key(0, first) if first is not None else None
        self.label = " + ".join(source.label for source in self._sources)
        _all.add(self)

    def __repr__(self) -> str:
        return f"<Credential {self.label}>"

    def __deepcopy__(self, memo: object) -> Credential:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return self._reduced()

    def _next(self) -> int:
        now = time.monotonic()
        with self._lock:
            for _ in self._sources:
                turn = self._turn % len(self._sources)
                self._turn += 1
                if self._aside.get(turn, 0.0) <= now:
                    return turn
            return turn

    def get(self, until: float = FOREVER) -> Key:
        """The key whose turn it is, in sync code.

        ``until`` (a time of the monotonic clock) ends a command; a function of the user's cannot be interrupted.

        Raises:
            AsyncOnly: for a callable that really has to wait.
            ProviderError: of kind ``auth`` when the key cannot be read.
        """
        if self._only is not None:
            return self._only
        number = self._next()
        source = self._sources[number]
        value: Any = source.at_hand()
        if value is None:
            value = _guarded(lambda: _read(source, until), source)
        return Key(number, _checked(value, source))

    async def aget(self, until: float = FOREVER) -> Key:
        """The same in async code: what may block is read in a thread, and nothing is waited for beyond ``until``.

        Raises:
            ProviderError: of kind ``auth`` when the key cannot be read, ``timeout`` when it does not come in time.
        """
        if self._only is not None:
            return self._only
        number = self._next()
        source = self._sources[number]
        value: Any = source.at_hand()
        if value is None:
            value = await _in_time(until, source)
        return Key(number, _checked(value, source))

    def refuse(self, key: Key, seconds: float) -> bool:
        """Leave a refused key alone for some seconds; True when it is worth trying again at once with another one.

        A source that can give a new key is read again instead, as long as it does not give the refused one again.
        """
        now, number = time.monotonic(), key.number
        source = self._sources[number]
        with self._lock:
            source.forget()
            if source.renewable and seconds == FOREVER:
                before = self._refused.get(number)
                again = before is not None and before.value == key.value
                self._refused[number] = key
                if not again:
                    return True
                seconds = RENEW
            self._aside[number] = now + seconds
            return any(self._aside.get(i, 0.0) <= now for i in range(len(self._sources)))

    def is_renewable(self, number: int) -> bool:
        """Whether the source may give another key later."""
        return self._sources[number].renewable

    def after_fork(self) -> None:
        """In the child: another thread of the parent may have held the lock, for ever now."""
        self._lock = threading.RLock()


def _reduced(references: Sequence[Any], path: str) -> tuple[Any, ...]:
    if is_literal(references):
        raise ConfigurationError(
            "a key that was given as text is not pickled; give it as 'env:NAME', 'file:PATH' or a function.", path=path
        )
    return (Credential, (references, path))


def _failed(source: Source, why: str) -> ProviderError:
    """The source's failure: by its label alone, because the words of a key's source may hold the key."""
    later = RENEW if source.renewable else None
    return ProviderError("auth", f"{source.label} {why}", phase="credential", sent=False, retry_after=later)


def _guarded(act: Callable[[], Any], source: Source) -> Any:
    """Do something with a user's source; whatever it raises comes out as our error, without the original attached."""
    try:
        return act()
    except Exception as error:  # any class may come out of a function that is not ours
        if isinstance(error, AsyncOnly):
            raise
        name = type(error).__name__
    raise _failed(source, f"failed: {name}")


async def _aguarded(until: float, source: Source) -> Any:
    try:
        seconds = until - time.monotonic()
        if source.blocks:
            value = await asyncio.wrap_future(_THREADS.submit(source.read, seconds))
        else:
            value = source.read(seconds)
        return await value if inspect.isawaitable(value) else value
    except Exception as error:  # any class may come out of a function that is not ours
        if isinstance(error, AsyncOnly):
            raise
        name = type(error).__name__
    raise _failed(source, f"failed: {name}")


async def _in_time(until: float, source: Source) -> Any:
    try:
        return await within(until, _aguarded(until, source), "credential")
    except ProviderError as error:
        if error.kind != "timeout":
            raise
    raise ProviderError("timeout", f"{source.label} gave no key within the time limit", phase="credential", sent=False)


def _read(source: Source, until: float) -> Any:
    value = source.read(until - time.monotonic())
    return _without_waiting(value, source.label) if inspect.isawaitable(value) else value


def _checked(value: Any, source: Source) -> str:
    if hasattr(value, "get_secret_value"):
        value = _guarded(value.get_secret_value, source)
    value = value.strip() if isinstance(value, str) else value
    if not usable(value):
        why = (
            "gave a key with blanks or characters that no header can carry"
            if isinstance(value, str) and value
            else "gave no key"
        )
        raise _failed(source, why)
    return str(value)


def _without_waiting(awaitable: Any, label: str) -> Any:
    if not inspect.iscoroutine(awaitable):
        raise AsyncOnly(f"{label} gives an awaitable, which only async code can wait for; use ainvoke or astream.")
    try:
        awaitable.send(None)
    except StopIteration as stop:
        return stop.value
    except RuntimeError as error:
        if "event loop" not in str(error):
            raise
    awaitable.close()
    raise AsyncOnly(f"{label} waits in a way that only async code can; use ainvoke or astream.")


def credential_of(given: Any, key_env: Sequence[str], *, required: bool, provider: str, path: str) -> Credential | None:
    """The credential for a deployment: what was given, else the first of the provider's variables that is set.

    Raises:
        MissingKey: when the provider needs a key and there is none; the message names the variable.
    """
    if given is not None:
        references = list(given) if isinstance(given, (list, tuple)) else [given]
        if not references:
            raise ConfigurationError("the list of keys is empty.", path=f"{path}.api_key")
        return Credential(references, f"{path}.api_key")
    found = next((name for name in key_env if os.environ.get(name)), None)
    if found is not None:
        return Credential([f"env:{found}"], f"{path}.api_key")
    if required:
        names = " or ".join(key_env) or "api_key="
        raise MissingKey(f"no key for {provider}. Set {names}, or pass Model(..., api_key=...).", path=path)
    return None


_all: weakref.WeakSet[Credential] = weakref.WeakSet()


def _after_fork() -> None:
    for credential in list(_all):
        credential.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
