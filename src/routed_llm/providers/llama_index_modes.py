"""Which of sync and async a LlamaIndex LLM really serves, by the owners of its methods.

``BaseLLM`` demands all eight endpoints of every class, so many hold endpoints that only look like it:

* refusals: async-only classes write ``raise NotImplementedError`` into their sync endpoints (see ``refusals``);
* blocking twins: ``CustomLLM`` and many classes after it write ``async def achat(...): return self.chat(...)``, which stops
  the event loop for the whole call. An async method (with the functions in it) that never awaits and names its sync twin is
  such a one; the sync endpoint is asked in a thread instead;
* chats of a completion model: ``CustomLLM.chat`` asks ``complete``, so it is as real as that is.

The decorators around endpoints hide the functions that were written; they are looked through here.
"""

from __future__ import annotations

import dis
import inspect
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType
from typing import Any, NamedTuple

from llama_index.core.llms import LLM, CustomLLM
from llama_index.core.llms import callbacks as _callbacks

from routed_llm.providers.refusals import WAITS, refuses
from routed_llm.requests import Mode

__all__ = ["COMPLETIONS", "Methods", "completes", "completions_of", "methods_of", "takes", "written"]

_TWINS = {"achat": ("chat", "complete"), "astream_chat": ("stream_chat", "stream_complete")}
#: a chat's method -> the one that completes a text in the same way
COMPLETIONS = {
    "chat": "complete", "stream_chat": "stream_complete", "achat": "acomplete", "astream_chat": "astream_complete",
}  # fmt: skip


class Methods(NamedTuple):
    """Which endpoints an LLM really has.

    ``acomplete`` and ``astream_complete`` are True only for completion models whose async chat would block: they are asked
    in its place, as their own sync chat does.
    """

    chat: bool
    stream_chat: bool
    achat: bool
    astream_chat: bool
    acomplete: bool = False
    astream_complete: bool = False

    @property
    def modes(self) -> frozenset[Mode]:
        """Sync where there is a sync method; async always, natively or in threads."""
        return frozenset({"sync", "async"}) if self.chat or self.stream_chat else frozenset({"async"})

    def completes_for(self, method: str) -> bool:
        """Whether its completion is asked in place of this chat."""
        return (method == "achat" and self.acomplete) or (method == "astream_chat" and self.astream_complete)


@lru_cache(maxsize=1024)
def methods_of(cls: type[LLM]) -> Methods:
    """What LLMs of a class really have."""
    found = {name: _real(cls, name) for name in COMPLETIONS}
    told = Methods(**found)
    if completes(cls):
        return told._replace(
            acomplete=not told.achat and _real(cls, "acomplete"),
            astream_complete=not told.astream_chat and _real(cls, "astream_complete"),
        )
    return told


@lru_cache(maxsize=1024)
def completions_of(cls: type[LLM]) -> Methods | None:
    """What a completion model really has for a text, under the names of chats; None for chat models."""
    found = Methods(**{chat: _real(cls, name) for chat, name in COMPLETIONS.items()})
    return found if completes(cls) and (found.chat or found.achat) else None


def completes(cls: type[LLM]) -> bool:
    """True for a class whose chat is a completion of the messages' text."""
    return _owner(cls, "chat") is CustomLLM


def _owner(cls: type, name: str) -> type | None:
    return next((base for base in cls.__mro__ if name in base.__dict__), None)


def _real(cls: type[LLM], name: str) -> bool:
    owner = _owner(cls, name)
    if owner is None:
        return False
    if owner is CustomLLM and name in ("chat", "stream_chat"):
        return _real(cls, COMPLETIONS[name])
    function = written(owner.__dict__[name])
    if refuses(function) or getattr(function, "__isabstractmethod__", False):
        return False
    twins = _TWINS.get(name) or ((name[1:],) if name.startswith("a") else ())
    code = getattr(function, "__code__", None)
    return code is None or not twins or not _blocks(code, twins)


def _blocks(code: CodeType, twins: tuple[str, ...]) -> bool:
    """True for code of an async method that never waits and calls its sync twin."""
    parts = list(_parts(code))
    if any(step.opname in WAITS for part in parts for step in dis.get_instructions(part)):
        return False
    return any(twin in part.co_names for part in parts for twin in twins)


def _parts(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)


def written(function: Any) -> Any:
    """The function as its author wrote it, without the decorators of spans, callbacks and retries around it."""
    for _ in range(32):
        inner = getattr(function, "__wrapped__", None)
        if inner is None or inner is True:  # the callback decorators mark what they have seen with True
            inner = _in_closure(function)
        if inner is None:
            break
        function = inner
    return function


def _in_closure(function: Any) -> Any:
    """What a callback decorator of LlamaIndex holds in its closure; None for any other function."""
    code = getattr(function, "__code__", None)
    if code is None or code.co_filename != _callbacks.__file__ or "f" not in code.co_freevars:
        return None
    return function.__closure__[code.co_freevars.index("f")].cell_contents


@lru_cache(maxsize=1024)
def takes(cls: type[LLM], name: str) -> frozenset[str] | None:
    """Names of the arguments that a method takes; None where it takes any."""
    if completes(cls) and name in COMPLETIONS:
        name = COMPLETIONS[name]
    parameters = inspect.signature(written(getattr(cls, name)), follow_wrapped=False).parameters
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        return None
    return frozenset(parameters)
