"""Pieces that installed packages offer through entry points, in the groups ``routed_llm.features`` and so on.

What a package's code does is not ours to know: whatever goes wrong while it is loaded, or while a piece of it is made, is told
as a mistake of the configuration that names it. Nothing is loaded before it is asked for.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache, reduce
from typing import TYPE_CHECKING, Any

from routed_llm.errors import ConfigurationError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["load", "make_piece", "name_of_class", "offered", "one_of"]

log = logging.getLogger("routed_llm")

#: name -> what packages offer under it; more than one where they disagree
Offers = Mapping[str, "tuple[EntryPoint, ...]"]


@cache
def offered(kind: str, built_in: frozenset[str]) -> Offers:
    """What packages offer of a kind. A name that is built in stays what it is; the package is told of in a warning."""
    found: dict[str, dict[str, EntryPoint]] = {}
    for point in _points(f"routed_llm.{kind}"):
        if point.name in built_in:
            log.warning(
                "The installed package %r offers %s %r, but that name is built in: the built-in one is used. "
                "The package must choose another name.", _package(point), one_of(kind), point.name,
            )  # fmt: skip
        else:
            # a package may be found twice, as itself and as what it was built from
            found.setdefault(point.name, {}).setdefault(point.value.replace(" ", ""), point)
    return {name: tuple(points.values()) for name, points in found.items()}


def _points(group: str) -> Iterator[EntryPoint]:
    from importlib.metadata import distributions, entry_points  # costs milliseconds, and only names not built in need it

    try:
        yield from tuple(entry_points(group=group))
    except Exception:  # noqa: BLE001  # one package's metadata that cannot be read hides those of all others
        for distribution in distributions():
            try:
                yield from tuple(distribution.entry_points.select(group=group))
            except Exception as error:  # noqa: BLE001  # whatever reading it does
                name = distribution.metadata["Name"]
                log.warning("The entry points of the installed package %r cannot be read (%r): it is left out.", name, error)


def load(kind: str, name: str, points: tuple[EntryPoint, ...], path: str) -> Callable[..., Any]:
    """The class or the function that a package offers under a name.

    Raises:
        ConfigurationError: for a package that cannot be loaded, one that offers neither, and a name that two packages offer.
    """
    if len(points) > 1:
        packages = " and ".join(sorted(repr(_package(point)) for point in points))
        raise ConfigurationError(
            f"the {one_of(kind)} {name!r} is offered by more than one installed package: {packages}. Uninstall all but one, "
            "or pass the piece itself.",
            path=path,
        )
    (point,) = points
    told = f"the {one_of(kind)} {name!r} of the installed package {_package(point)!r}"
    try:
        piece = point.load()
    except Exception as error:  # another package's import may fail in any way
        raise ConfigurationError(
            f"{told} cannot be loaded: {type(error).__name__}: {error}. Mend or update the package, or leave the name out.",
            path=path,
        ) from error
    if not callable(piece):
        raise ConfigurationError(
            f"{told} is {type(piece).__name__!r}, no class and no function: {point.value} must name what makes it.", path=path
        )
    return piece  # type: ignore[no-any-return]  # whatever the package offers


def make_piece(make: Callable[..., Any], given: Mapping[str, Any], path: str) -> Any:
    """What a class or a recipe makes of its arguments.

    Raises:
        ConfigurationError: whatever goes wrong.
    """
    try:
        return make(**given)
    except ConfigurationError as error:
        raise error.below(path) from None
    except (TypeError, ValueError) as error:
        raise ConfigurationError(str(error), path=path) from None
    except Exception as error:  # a piece that is not ours may fail in any way
        where = f"{getattr(make, '__module__', '?')}.{getattr(make, '__qualname__', make)}"
        raise ConfigurationError(f"{where} failed: {type(error).__name__}: {error}.", path=path) from error


def name_of_class(offers: Offers, cls: type) -> str | None:
    """The name under which a class is offered, or None. It asks only modules that are there already."""
    own = f"{cls.__module__}:{cls.__qualname__}"
    for name, points in offers.items():
        for point in points:
            where = point.value.partition("[")[0].replace(" ", "")
            if where == own:
                return name
            module, _, attribute = where.partition(":")
            # it may be offered from where it is only imported
            if module in sys.modules and _found(sys.modules[module], attribute) is cls:
                return name
    return None


def _found(module: Any, attribute: str) -> Any:
    return reduce(lambda of, name: getattr(of, name, None), attribute.split("."), module)


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "?"


def one_of(kind: str) -> str:
    """The word for one piece of a kind: ``scorer`` of ``scorers``."""
    return "strategy" if kind == "strategies" else kind[:-1]
