"""Canary secrets, and every place where an exception, a record or a listener might show one."""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import json
import logging
import pickle
import threading
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from types import (
    BuiltinFunctionType,
    CodeType,
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
    MethodType,
    ModuleType,
    TracebackType,
)
from typing import Any

import orjson
from rich.console import Console
from rich.traceback import Traceback

__all__ = ["Logged", "basic", "canary", "faces", "leaks", "listed", "pickled", "report"]

_OPAQUE = (ModuleType, type, FunctionType, BuiltinFunctionType, MethodType, CodeType, FrameType, TracebackType, GeneratorType,
           CoroutineType, threading.Thread, logging.Logger)  # fmt: skip
_DEEPEST = 12
_needles: dict[str, str] = {}


@functools.cache
def canary(place: str) -> str:
    """The secret of a place: letters and digits without a provider's prefix, as Azure, Mistral and others have them."""
    secret = "c" + hashlib.sha256(place.encode()).hexdigest()[:31]
    _needles.update({secret[:14]: place, secret[-14:]: place})  # a half of it is too much
    return secret


@functools.cache
def basic(place: str) -> str:
    """User and password of a place, for an address."""
    pair = f"user:{canary(place)}"
    encoded = base64.b64encode(pair.encode()).decode()
    _needles.update({encoded[8:28]: f"{place} (encoded)"})
    return pair


def leaks(text: str) -> list[str]:
    """Whose secrets are in a text, each with what stands before it."""
    found = []
    for needle, place in _needles.items():
        if (at := text.find(needle)) >= 0:
            found.append(f"{place}: ...{text[max(0, at - 80) : at]!r}")
    return found


def report(shown: Mapping[str, str | bytes], where: str) -> list[str]:
    """The sinks, by name with their content, that show a secret."""
    found = []
    for sink, text in shown.items():
        found += [f"{where}: {sink}: {leak}" for leak in leaks(text.decode("latin-1") if isinstance(text, bytes) else text)]
    return found


def faces(error: BaseException, *, rendered: bool = False) -> dict[str, str | bytes]:
    """Everything that is shown of an exception and of those it came from, by the name of the sink."""
    chain = list(_chain(error))
    shown: dict[str, str | bytes] = {
        "str": "\n".join(map(str, chain)),
        "repr": "\n".join(map(repr, chain)),
        "args": "\n".join(repr(each.args) for each in chain),
        "vars": "\n".join(repr(vars(each)) for each in chain),
        "notes": "\n".join(repr(getattr(each, "__notes__", ())) for each in chain),
        "graph": "\n".join(_texts([(each.args, vars(each)) for each in chain])),
        "traceback": "\n".join("".join(traceback.format_exception(each)) for each in chain),
        "locals": "\n".join(
            "".join(traceback.TracebackException.from_exception(each, capture_locals=True).format()) for each in chain
        ),
        "rich locals": "\n".join(_rich_locals(chain)),
        "pickle": pickled(error),
        "JSON": json.dumps([vars(each) for each in chain], default=_plain),
        "orjson": orjson.dumps([vars(each) for each in chain], default=_plain, option=orjson.OPT_NON_STR_KEYS),
    }
    if rendered:
        shown["rich"] = _rich(error)
    return shown


def pickled(thing: Any) -> bytes:
    """A pickle, or the words by which it is refused; what comes out of it again counts too."""
    try:
        raw = pickle.dumps(thing)
    except (TypeError, AttributeError, ValueError, pickle.PicklingError) as refused:
        return str(refused).encode()
    again = pickle.loads(raw)
    return raw + repr(again).encode() + repr(getattr(again, "__dict__", None)).encode()


def listed(thing: Any) -> str:
    """What a debugger lists of an object: its attributes, by their representations."""
    slots = [name for cls in type(thing).__mro__ for name in _names(cls.__dict__.get("__slots__", ()))]
    return repr(getattr(thing, "__dict__", {})) + repr([getattr(thing, name, None) for name in slots])


def _plain(value: Any) -> Any:
    as_dict = getattr(value, "as_dict", None)
    return as_dict() if callable(as_dict) else getattr(value, "__dict__", None) or repr(value)


def _chain(error: BaseException) -> Iterator[BaseException]:
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__, *getattr(each, "attempts", ()), *getattr(each, "exceptions", ())]


def _texts(root: Any) -> Iterator[str]:
    """The texts in a graph of objects; code, frames and classes are no data."""
    waiting, seen = [(root, 0)], set()
    while waiting:
        thing, depth = waiting.pop()
        if isinstance(thing, str):
            yield thing
        elif isinstance(thing, (bytes, bytearray, memoryview)):
            yield bytes(thing).decode("latin-1")
        if isinstance(thing, (*_OPAQUE, str, bytes, int, float)) or id(thing) in seen or depth > _DEEPEST:
            continue
        seen.add(id(thing))
        waiting += [(each, depth + 1) for each in _inside(thing)]


def _inside(thing: Any) -> Iterable[Any]:
    if isinstance(thing, Mapping):
        return [*thing.keys(), *thing.values()]
    if isinstance(thing, (Sequence, Set)):
        return list(thing)
    slots = [name for cls in type(thing).__mro__ for name in _names(cls.__dict__.get("__slots__", ()))]
    return [getattr(thing, "__dict__", None), *(getattr(thing, name, None) for name in slots)]


def _names(slots: Any) -> Sequence[str]:
    return [slots] if isinstance(slots, str) else list(slots)


def _rich_locals(chain: Sequence[BaseException]) -> Iterator[str]:
    """The locals as rich reads them, which looks into dataclasses and containers by itself; drawing them is slow."""
    for error in chain:
        trace = Traceback.extract(
            type(error), error, error.__traceback__, show_locals=True, locals_max_length=None, locals_max_string=None,
            locals_hide_dunder=False,
        )  # fmt: skip
        for stack in trace.stacks:
            for frame in stack.frames:
                for name, node in (frame.locals or {}).items():
                    yield f"{frame.filename}:{frame.lineno} {name}={node}"


def _rich(error: BaseException) -> str:
    out = io.StringIO()
    drawn = Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True, locals_max_string=None)
    Console(file=out, width=4000).print(drawn)
    return out.getvalue()


class Logged(logging.Handler):
    """Everything that is logged anywhere, at DEBUG: as text, and what a record carries."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(name)s %(pathname)s %(message)s"))
        self.seen: list[str] = []
        self.names: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it at once: arguments may change."""
        self.names.add(record.name)
        self.seen.append(f"{self.format(record)} {vars(record)!r}")
        if record.exc_info and record.exc_info[1] is not None:
            self.seen += [str(face) for face in faces(record.exc_info[1]).values()]

    def __enter__(self) -> Logged:
        root = logging.getLogger()
        self._before = root.level
        root.setLevel(logging.DEBUG)
        root.addHandler(self)
        return self

    def __exit__(self, *exc: object) -> None:
        root = logging.getLogger()
        root.removeHandler(self)
        root.setLevel(self._before)
