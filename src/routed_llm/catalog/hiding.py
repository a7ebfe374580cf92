"""What of an entry is secret: keys given as text, headers, and user and password in an address."""

from __future__ import annotations

import functools
import re
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar

from routed_llm.errors import ConfigurationError, DiscoveryFailed

__all__ = ["REFERENCES", "bare", "is_literal", "reference_of", "sealed", "sealed_async", "shown_address"]

P = ParamSpec("P")
R = TypeVar("R")

#: beginnings of a text that tells where a key is, instead of being one
REFERENCES = ("env:", "file:", "command:")
_REFUSALS = (ConfigurationError, DiscoveryFailed)
_USER = re.compile(r"^((?:[A-Za-z][A-Za-z0-9+.-]*:)?//)?[^/?#]*@")  # RFC 3986, section 3.2: it ends before the path


def reference_of(key: Any) -> Any:
    """A key as the user meant it: a ``SecretStr`` (or its like) that holds a reference counts as that reference."""
    if isinstance(key, str) or not hasattr(key, "get_secret_value") or not _is_plain_secret(key):
        return key
    text = key.get_secret_value()
    return text if isinstance(text, str) and text.startswith(REFERENCES) else key


def _is_plain_secret(key: Any) -> bool:
    """Whether it is pydantic's own holder of a text, which may be looked into at any time."""
    return any(cls.__module__.startswith("pydantic") for cls in type(key).__mro__)


def is_literal(key: Any) -> bool:
    """Whether a key, or one of a list of them, is held as text here and not by a reference or a function."""
    if isinstance(key, (list, tuple)):
        return any(is_literal(each) for each in key)
    key = reference_of(key)
    return not key.startswith(REFERENCES) if isinstance(key, str) else hasattr(key, "get_secret_value")


def bare(url: str) -> str:
    """An address without user and password."""
    return _USER.sub(lambda found: found[1] or "", url, count=1)


def shown_address(url: str) -> str:
    """An address as it may be told: without user and password, and without what stands behind ``?`` or ``#``, such as a key."""
    return bare(url).partition("#")[0].partition("?")[0]


def sealed(make: Callable[P, R]) -> Callable[P, R]:
    """A function whose refusals carry no frame with its arguments, which reports with local variables would show.

    What was wrong, and where, is in the refusal itself. Other exceptions keep their frames: they are mistakes in the program.
    """

    @functools.wraps(make)
    def sealed_make(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return make(*args, **kwargs)
        except _REFUSALS as error:
            refusal = error
        finally:
            del args, kwargs
        try:
            raise _without_frames(refusal)
        finally:
            del refusal  # it and this frame hold one another

    return sealed_make


def sealed_async(make: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """As :func:`sealed`, for a function that is awaited."""

    @functools.wraps(make)
    async def sealed_make(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await make(*args, **kwargs)
        except _REFUSALS as error:
            refusal = error
        finally:
            del args, kwargs
        try:
            raise _without_frames(refusal)
        finally:
            del refusal  # it and this frame hold one another

    return sealed_make


def _without_frames(refusal: ConfigurationError | DiscoveryFailed) -> ConfigurationError | DiscoveryFailed:
    cause = refusal.__cause__
    if isinstance(cause, _REFUSALS):
        _without_frames(cause)
    refusal.__traceback__ = None
    refusal.__context__ = cause
    refusal.__suppress_context__ = True
    return refusal
