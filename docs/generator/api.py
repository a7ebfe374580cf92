"""API pages: signatures and docstrings of the public names."""

from __future__ import annotations

import enum
import inspect
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from importlib import import_module
from types import ModuleType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from generator.docstrings import markdown

__all__ = ["MODULES", "api_pages", "targets"]

#: public modules with their pages' titles, in reading order; the package itself shows what it exports
MODULES = {
    "routed_llm": "routed_llm: what most programs need",
    "routed_llm.hints": "routed_llm.hints: what a caller says of one call",
    "routed_llm.errors": "routed_llm.errors: everything that can go wrong",
    "routed_llm.results": "routed_llm.results: answers, events, usage",
    "routed_llm.decisions": "routed_llm.decisions: why a model was chosen",
    "routed_llm.events": "routed_llm.events: records of calls",
    "routed_llm.requests": "routed_llm.requests: what routing sees of a call",
    "routed_llm.policy.shapes": "routed_llm.policy.shapes: pieces of a policy",
    "routed_llm.policy.strategies": "routed_llm.policy.strategies: policies by name and by stage",
    "routed_llm.policy.condition": "routed_llm.policy.condition: conditions as data",
    "routed_llm.policy.data": "routed_llm.policy.data: policies as data",
    "routed_llm.policy.registry": "routed_llm.policy.registry: pieces by name",
    "routed_llm.policy.scorers.by_fact": "routed_llm.policy.scorers.by_fact: models by a table",
    "routed_llm.saved": "routed_llm.saved: decisions in files, made again",
    "routed_llm.llama_index.callbacks": "routed_llm.llama_index.callbacks: cost by query, engine, agent",
    "routed_llm.testing": "routed_llm.testing: for tests of your own",
    "routed_llm.testing.faults": "routed_llm.testing.faults: a provider that fails to order",
}
_WIDE = 110


def _names(module: ModuleType) -> list[str]:
    return list(module.__all__)


def targets() -> dict[str, str]:
    """The page of every public name, by its full name."""
    found = {}
    for module_name in MODULES:
        for name in _names(import_module(module_name)):
            found.setdefault(f"{module_name}.{name}", f"{module_name}.md")
    return found


def _place(full: str) -> str:
    """The line that makes ``#full`` a link's target. Targets know no case, so constants have a mark of their own."""
    return f"({full}{'-constant' if full.rpartition('.')[2].isupper() else ''})="


def _annotation(value: Any) -> str:
    value = getattr(value, "__forward_arg__", value)
    text = value if isinstance(value, str) else inspect.formatannotation(value)
    return re.sub(r"\b(?:typing|collections\.abc|routed_llm(?:\.\w+)*)\.(?=[A-Z])", "", text)


def _parameter(parameter: inspect.Parameter) -> str:
    star = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    told = f"{star}{parameter.name}"
    if parameter.annotation is not inspect.Parameter.empty:
        told += f": {_annotation(parameter.annotation)}"
    if parameter.default is not inspect.Parameter.empty:
        default = repr(parameter.default)
        told += f" = {'...' if ' at 0x' in default or default.startswith('<') or len(default) > _WIDE else default}"
    return told


def _signature(name: str, thing: Any, *, bound: bool = False) -> str:
    """A call's form; ``bound`` leaves out the first parameter."""
    try:
        signature = inspect.signature(thing)
    except (TypeError, ValueError):
        return name
    parameters = list(signature.parameters.values())[1 if bound else 0 :]
    told: list[str] = []
    starred = False
    for parameter in parameters:
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and not starred:
            told.append("*")
        starred = starred or parameter.kind in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_POSITIONAL)
        told.append(_parameter(parameter))
    gives = signature.return_annotation
    arrow = "" if gives is inspect.Parameter.empty or gives in (None, "None") else f" -> {_annotation(gives)}"
    line = f"{name}({', '.join(told)}){arrow}"
    return line if len(line) <= _WIDE else f"{name}(\n    " + ",\n    ".join(told) + f",\n){arrow}"


def _is_protocol(cls: type) -> bool:
    return bool(getattr(cls, "_is_protocol", False))


def _own_classes(cls: type, known: dict[str, str]) -> list[type]:
    """The class and those of its bases that are ours and have no place of their own on these pages."""
    shown = {name.rpartition(".")[2] for name in known}
    return [c for c in cls.__mro__ if c is cls or (c.__module__.startswith("routed_llm") and c.__name__ not in shown)]


def _members(cls: type, known: dict[str, str]) -> Iterator[tuple[str, Any]]:
    seen = set()
    for base in _own_classes(cls, known):
        for name, value in vars(base).items():
            if name.startswith("_") or name in seen or name == "model_post_init":
                continue
            seen.add(name)
            inner = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
            if (inspect.isfunction(inner) or isinstance(inner, property)) and inspect.getdoc(inner):
                yield name, value


def _constructor(name: str, cls: type) -> str:
    if _is_protocol(cls):
        return f"class {name}(Protocol)"
    if issubclass(cls, BaseException) and "__init__" not in vars(cls):
        return f"class {name}({', '.join(base.__name__ for base in cls.__bases__)})"
    if "__init__" in vars(cls) or is_dataclass(cls):
        return f"class {_signature(name, cls.__init__, bound=True)}"
    if issubclass(cls, tuple):
        return f"class {_signature(name, cls.__new__, bound=True)}"
    return f"class {name}"


def _fence(code: str) -> list[str]:
    return ["```py", code, "```", ""]


def _class(name: str, full: str, cls: type, known: dict[str, str]) -> list[str]:
    told = [_place(full), f"## {name}", "", *_fence(_constructor(name, cls)), markdown(inspect.getdoc(cls) or "", known), ""]
    if _is_protocol(cls) and (fields := vars(cls).get("__annotations__")):
        told += ["Attributes:", "", *(f"- `{field}: {_annotation(kind)}`" for field, kind in fields.items()), ""]
    for member, value in _members(cls, known):
        inner = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
        told += [f"### {name}.{member}", ""]
        if isinstance(value, property):
            gives = inspect.signature(value.fget).return_annotation if value.fget else ""
            told += _fence(f"{member}: {_annotation(gives)}")
        else:
            prefix = "async " if inspect.iscoroutinefunction(inner) else ""
            told += _fence(prefix + _signature(member, inner, bound=not isinstance(value, staticmethod)))
        told += [markdown(inspect.getdoc(inner) or "", known), ""]
    return told


def _value(name: str, full: str, value: Any, note: str) -> list[str]:
    """A constant or an alias of types, with the comment above it in the source."""
    if get_origin(value) in (Literal, Union, UnionType):
        shown = ", ".join(f"`{getattr(each, '__name__', repr(each))}`" for each in get_args(value))
        body = f"One of {shown}."
    elif get_origin(value) is not None:
        body = f"`{_annotation(value)}`"
    else:
        body = f"`{name}` is a `{type(value).__name__}`."
    return [_place(full), f"## {name}", "", body, "", note, ""]


def _comment_above(module: ModuleType, name: str) -> str:
    found = re.search(rf"((?:^#: .*\n)+){name}\b", inspect.getsource(module), re.MULTILINE)
    return " ".join(line.removeprefix("#: ") for line in found[1].splitlines()).capitalize() + "." if found else ""


def _page(module_name: str, title: str, known: dict[str, str]) -> str:
    module = import_module(module_name)
    told = [f"# {title}", "", markdown(module.__doc__ or "", known), ""]
    for name in _names(module):
        value, full = getattr(module, name), f"{module_name}.{name}"
        if inspect.isclass(value) and not isinstance(value, enum.EnumMeta):
            told += _class(name, full, value, known)
        elif inspect.isfunction(value):
            doc = markdown(inspect.getdoc(value) or "", known)
            told += [_place(full), f"## {name}", "", *_fence(f"def {_signature(name, value)}"), doc, ""]
        else:
            told += _value(name, full, value, _comment_above(module, name))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(told)).rstrip() + "\n"


def api_pages() -> dict[str, str]:
    """All API pages by file name, with the index."""
    known = targets()
    pages = {f"{name}.md": _page(name, title, known) for name, title in MODULES.items()}
    listed = "\n".join(MODULES)
    pages["index.md"] = (
        "# API\n\nWritten from the docstrings. What is not listed here is not public and may change.\n\n"
        f"```{{toctree}}\n:maxdepth: 1\n\n{listed}\n```\n"
    )
    return pages
