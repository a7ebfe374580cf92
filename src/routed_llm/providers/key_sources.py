"""Where a key comes from: each source gives its key at once, or has to be read first, which may take time and fail."""

from __future__ import annotations

import inspect
import os
import re
import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, Protocol

from routed_llm.catalog.hiding import reference_of
from routed_llm.errors import ConfigurationError, MissingKey

__all__ = ["Source", "source_of", "usable"]

#: seconds for which the output of a command or the content of a file is used before it is read again
KEEP = 300.0
#: the longest that a command may take, in seconds
LONGEST = 30.0
_VISIBLE = re.compile(r"[!-~]+")  # what a header's value is made of (RFC 9110, section 5.5), without blanks


class Source(Protocol):
    """One key; ``label`` is fit to be shown, ``renewable`` tells whether reading again may give another key."""

    label: str
    renewable: bool
    #: whether reading may block the calling thread
    blocks: bool

    def at_hand(self) -> str | None:
        """The key, where it is known without reading."""
        ...

    def read(self, seconds: float) -> Any:
        """Read the key, or something to await it; raises whatever the user's source raises."""
        ...

    def forget(self) -> None:
        """Read anew at the next use."""
        ...


class _Fixed:
    """A key that never changes. No representation shows it, as that of every source."""

    __slots__ = ("_value", "label")
    renewable = blocks = False

    def __init__(self, label: str, value: str) -> None:
        self.label = label
        self._value = value

    def at_hand(self) -> str:
        return self._value

    def read(self, seconds: float) -> str:
        return self._value

    def forget(self) -> None:
        pass

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not pickled")


class _Function:
    """A function, sync or async, that is asked at every call."""

    __slots__ = ("_function", "blocks", "label")
    renewable = True

    def __init__(self, label: str, function: Callable[[], Any]) -> None:
        self.label = label
        self._function = function
        call = getattr(function, "__call__", None)  # noqa: B004  # an object's own __call__ may be async
        self.blocks = not (inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call))

    def at_hand(self) -> None:
        return None

    def read(self, seconds: float) -> Any:
        return self._function()

    def forget(self) -> None:
        pass


class _Kept:
    """A file or a command, read at most once in :data:`KEEP` seconds."""

    __slots__ = ("_kept", "_kept_until", "_read", "label")
    renewable = blocks = True

    def __init__(self, label: str, read: Callable[[float], str]) -> None:
        self.label = label
        self._read = read
        self._kept: str | None = None
        self._kept_until = 0.0

    def at_hand(self) -> str | None:
        return self._kept if time.monotonic() < self._kept_until else None

    def read(self, seconds: float) -> str:
        self._kept = self._read(seconds).strip()
        self._kept_until = time.monotonic() + KEEP
        return self._kept

    def forget(self) -> None:
        self._kept, self._kept_until = None, 0.0


def usable(value: Any) -> bool:
    """Whether something is a key that a header can carry: visible ASCII without blanks."""
    return isinstance(value, str) and _VISIBLE.fullmatch(value) is not None


def source_of(given: Any, path: str) -> Source:
    """A key's source from what the user wrote.

    Raises:
        MissingKey: for a variable that is not set, a file that does not exist.
        ConfigurationError: for what cannot be a key; the text never shows it.
    """
    reference = reference_of(given)
    secret = getattr(reference, "get_secret_value", None)
    if secret is not None:
        if not any(cls.__module__.startswith("pydantic") for cls in type(reference).__mro__):
            return _Function("key", secret)  # another kind of holder may give another key each time
        reference = secret()
    elif callable(reference):
        return _Function(f"function {getattr(reference, '__qualname__', type(reference).__name__)}", reference)
    if not isinstance(reference, str) or not reference.strip():
        raise ConfigurationError(f"a key must be a non-empty string or a function, not {type(given).__name__}.", path=path)
    scheme, _, rest = reference.partition(":")
    make = {"env": _of_variable, "file": _of_file, "command": _of_command}.get(scheme)
    return make(rest, path) if make is not None else _fixed("key", reference, path)


def _fixed(label: str, value: str, path: str) -> _Fixed:
    if not usable(value):
        of = "" if label == "key" else f" of {label}"
        raise ConfigurationError(f"the key{of} holds blanks or characters that no header can carry.", path=path)
    return _Fixed(label, value)


def _of_variable(name: str, path: str) -> Source:
    value = (os.environ.get(name) or "").strip()
    if not value:
        raise MissingKey(f"the environment variable {name} is not set.", path=path)
    return _fixed(f"env:{name}", value, path)


def _of_file(name: str, path: str) -> Source:
    file = Path(name).expanduser()
    if not file.is_file():
        raise MissingKey(f"the key's file {name} does not exist.", path=path)
    return _Kept(f"file {name}", lambda _: file.read_text(encoding="utf-8"))


def _of_command(line: str, path: str) -> Source:
    try:
        words = shlex.split(line)
    except ValueError:
        words = []
    if not words:
        raise ConfigurationError("command: names no program, or its quotes do not match.", path=path)
    return _Kept(f"command {words[0]}", lambda seconds: _output(words, min(seconds, LONGEST)))


def _output(words: list[str], seconds: float) -> str:
    run = subprocess.run(
        words, check=True, capture_output=True, text=True, timeout=max(0.001, seconds), stdin=subprocess.DEVNULL
    )
    return run.stdout
