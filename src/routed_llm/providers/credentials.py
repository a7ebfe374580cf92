"""Keys: where they come from, whose turn it is, and which are set aside. A secret never leaves this file but into a header.

A reference is the key itself, ``env:NAME``, ``file:PATH``, ``command:PROGRAM ARG``, a callable, or anything with
``get_secret_value()``.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from routed_llm.errors import AsyncOnly, ConfigurationError, MissingKey, ProviderError

__all__ = ["RENEW", "Credential", "credential_of"]

#: seconds for which the output of a command or the content of a file is used before it is read again
KEEP = 300.0
#: seconds after which a source that gave a refused key is asked for a new one
RENEW = 30.0


class _Source:
    """One key; ``label`` is fit to be shown."""

    __slots__ = ("_kept", "_kept_until", "label", "read", "refused", "renewable")

    def __init__(self, label: str, read: Callable[[], Any], *, renewable: bool = False) -> None:
        self.label = label
        self.read = read
        #: whether reading again may give another key: files, commands and functions
        self.renewable = renewable
        #: the key that was refused last
        self.refused: str | None = None
        self._kept: str | None = None
        self._kept_until = 0.0

    def keep(self) -> str:
        """Read a file or command, at most once in :data:`KEEP` seconds."""
        if self._kept is None or time.monotonic() > self._kept_until:
            self._kept = str(self.read()).strip()
            self._kept_until = time.monotonic() + KEEP
        return self._kept

    def forget(self) -> None:
        """Read anew at the next use."""
        self._kept = None


class Credential:
    """The keys of one deployment, used in turn; a key that was refused is set aside.

    ``label`` names them without showing them. Pickling keeps references and drops what they gave.
    """

    def __init__(self, references: Sequence[Any], path: str) -> None:
        self._references = tuple(references)
        self._path = path
        self._sources = [_source(reference, path) for reference in self._references]
        self._aside: dict[int, float] = {}
        self._turn = 0
        self._lock = threading.Lock()
        #: no source needs more than a look, so that the hot path can skip everything else
        self._fixed = len(self._sources) == 1 and isinstance(self._references[0], str) and _is_plain(self._references[0])
        self.label = " + ".join(source.label for source in self._sources)

    def __repr__(self) -> str:
        return f"<Credential {self.label}>"

    def __reduce__(self) -> tuple[Any, ...]:
        for reference in self._references:
            if isinstance(reference, str) and not reference.startswith(("env:", "file:", "command:")):
                raise ConfigurationError(
                    "a key that was given as text is not pickled; give it as 'env:NAME', 'file:PATH' or a function.",
                    path=self._path,
                )
        return (Credential, (self._references, self._path))

    def _next(self) -> int:
        now = time.monotonic()
        with self._lock:
            for _ in self._sources:
                turn = self._turn % len(self._sources)
                self._turn += 1
                if self._aside.get(turn, 0.0) <= now:
                    return turn
            return turn

    def get(self) -> tuple[int, str]:
        """Number and value of the key whose turn it is, in sync code.

        Raises:
            AsyncOnly: for a callable that really has to wait.
            ProviderError: of kind ``auth`` when the key cannot be read.
        """
        number = 0 if self._fixed else self._next()
        source = self._sources[number]
        value = self._read(source)
        if inspect.isawaitable(value):
            value = _without_waiting(value, source.label)
        return number, _checked(value, source.label)

    async def aget(self) -> tuple[int, str]:
        """The same in async code; a callable that is not async runs in a thread, so that it may block."""
        if self._fixed:
            return 0, str(self._read(self._sources[0]))
        number = self._next()
        source = self._sources[number]
        value = await asyncio.to_thread(self._read, source)
        if inspect.isawaitable(value):
            value = await value
        return number, _checked(value, source.label)

    def _read(self, source: _Source) -> Any:
        if source.label.startswith(("file ", "command ")):
            try:
                return source.keep()
            except (OSError, subprocess.SubprocessError) as error:
                raise ProviderError("auth", f"{source.label}: {type(error).__name__}", phase="credential", sent=False) from None
        return source.read()

    def refuse(self, number: int, key: str, seconds: float) -> bool:
        """Leave a refused key alone for some seconds; True when it is worth trying again at once with another one.

        A source that can give a new key is read again instead, as long as it does not give the refused one again.
        """
        now = time.monotonic()
        source = self._sources[number]
        with self._lock:
            source.forget()
            if source.renewable and seconds == float("inf"):
                again = source.refused == key
                source.refused = key
                if not again:
                    return True
                seconds = RENEW
            self._aside[number] = now + seconds
            return any(self._aside.get(i, 0.0) <= now for i in range(len(self._sources)))

    def is_renewable(self, number: int) -> bool:
        """Whether the source may give another key later."""
        return self._sources[number].renewable


def _is_plain(reference: str) -> bool:
    return not reference.startswith(("file:", "command:"))


def _checked(value: Any, label: str) -> str:
    value = value.get_secret_value() if hasattr(value, "get_secret_value") else value
    if not isinstance(value, str) or not value:
        raise ProviderError("auth", f"{label} gave no key", phase="credential", sent=False)
    return value


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


def _source(reference: Any, path: str) -> _Source:
    """A key's source from what the user wrote.

    Raises:
        MissingKey: for a variable that is not set, a file or program that does not exist.
        ConfigurationError: for what cannot be a key.
    """
    if hasattr(reference, "get_secret_value"):
        return _Source("key", reference.get_secret_value)
    if callable(reference):
        return _Source(f"function {getattr(reference, '__qualname__', type(reference).__name__)}", reference, renewable=True)
    if not isinstance(reference, str) or not reference.strip():
        raise ConfigurationError(f"a key must be a non-empty string or a function, not {type(reference).__name__}.", path=path)
    scheme, _, rest = reference.partition(":")
    if scheme == "env":
        value = os.environ.get(rest)
        if not value:
            raise MissingKey(f"the environment variable {rest} is not set.", path=path)
        return _Source(f"env:{rest}", lambda: value)
    if scheme == "file":
        if not Path(rest).expanduser().is_file():
            raise MissingKey(f"the key's file {rest} does not exist.", path=path)
        return _Source(f"file {rest}", lambda: Path(rest).expanduser().read_text(encoding="utf-8"), renewable=True)
    if scheme == "command":
        words = shlex.split(rest)
        if not words:
            raise ConfigurationError("command: names no program.", path=path)
        return _Source(
            f"command {words[0]}",
            lambda: subprocess.run(words, check=True, capture_output=True, text=True, timeout=30).stdout,
            renewable=True,
        )
    if any(ord(c) < 33 or ord(c) > 126 for c in reference):
        raise ConfigurationError("a key holds blanks or characters that no header can carry.", path=path)
    return _Source("key", lambda: reference)


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
