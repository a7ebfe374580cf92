"""Which media of a call are put into words for models that do not take them, and by whom: the switch ``relay``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from routed_llm.errors import ConfigurationError
from routed_llm.refusing import nearest

__all__ = ["MEDIA", "MEDIUM_OF", "MOST", "Relay"]

#: a medium, as users name it -> the abilities of those that take it
MEDIA: dict[str, tuple[str, ...]] = {
    "image": ("images", "image_urls"),
    "pdf": ("pdf",),
    "audio": ("audio",),
    "video": ("video",),
}
#: the way back
MEDIUM_OF: dict[str, str] = {ability: medium for medium, abilities in MEDIA.items() for ability in abilities}

#: media that are described for one call at most. They are described one after the other, each in a few seconds and for money:
#: so many take about as long as a call may take to its first content, 120 seconds.
MOST = 16

_ALWAYS, _MOST = "always", "most"
_MEANT = f"must be True, False, one of {', '.join(MEDIA)}, a list of them, or a table such as {{'image': 'a model'}}"


class Relay(NamedTuple):
    """What is put into words.

    ``media`` are those that may be, ``by`` names who is asked first for some of them, ``always`` are those that are put into
    words even where somebody who may answer takes them. ``most`` are described for one call at most; those of which is
    remembered what was said do not count.
    """

    media: tuple[str, ...] = tuple(MEDIA)
    by: tuple[tuple[str, str], ...] = ()
    always: tuple[str, ...] = ()
    most: int = MOST

    @classmethod
    def of(cls, value: Any) -> Relay | None:
        """What a value of the switch means; None where nothing is put into words.

        Args:
            value: ``True`` (all media), a medium, a list of media, or a table: medium -> ``True`` or who is asked first, and
                ``always`` -> ``True`` or media, ``most`` -> how many media of one call are described at most.

        Raises:
            ConfigurationError: for what cannot be meant.
        """
        if value is None or value is False:
            return None
        if value is True:
            return _ALL
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            return _named(value)
        if isinstance(value, Mapping):
            return _of_table(value)
        if isinstance(value, (list, tuple, set, frozenset)) and value:
            return cls(_media(value))
        raise ConfigurationError(f"{_MEANT}, not {value!r}.", path="relay")

    def abilities(self, present: Iterable[str]) -> frozenset[str]:
        """Of the abilities that a call's media need, those that words may stand in for."""
        return frozenset(each for each in present if MEDIUM_OF.get(each) in self.media)

    def always_of(self, abilities: Iterable[str]) -> frozenset[str]:
        """Those of them that are put into words in any case."""
        return frozenset(each for each in abilities if MEDIUM_OF[each] in self.always)

    def first(self, ability: str) -> tuple[str, ...]:
        """Who is asked first to put a medium into words."""
        return tuple(name for medium, name in self.by if medium == MEDIUM_OF[ability])


_ALL = Relay()


@lru_cache(maxsize=8)
def _named(medium: str) -> Relay:
    return Relay(_media((medium,)))


def _media(names: Iterable[Any], path: str = "relay") -> tuple[str, ...]:
    found = tuple(names)
    for name in found:
        if not isinstance(name, str) or name not in MEDIA:
            raise ConfigurationError(f"{_MEANT}, not {name!r}.{nearest(name, MEDIA)}", path=path)
    return found


def _of_table(table: Mapping[Any, Any]) -> Relay | None:
    always, most, by, media = table.get(_ALWAYS, False), table.get(_MOST, MOST), [], []
    if type(most) is not int or most < 1:
        raise ConfigurationError(f"must be a whole number of at least one, not {most!r}.", path="relay.most")
    for name, value in table.items():
        if name in (_ALWAYS, _MOST):
            continue
        if name not in MEDIA:
            known = (*MEDIA, _ALWAYS, _MOST)
            raise ConfigurationError(f"takes {', '.join(known)}, not {name!r}.{nearest(name, known)}", path="relay")
        if value is False or value is None:
            continue
        if value is not True and not (isinstance(value, str) and value):
            raise ConfigurationError(f"must be True, False or the name of a model, not {value!r}.", path=f"relay.{name}")
        media.append(name)
        if isinstance(value, str):
            by.append((name, value))
    if any(name not in (_ALWAYS, _MOST) for name in table) and not media:
        return None
    chosen = tuple(media) or tuple(MEDIA)
    if isinstance(always, bool) or always is None:
        return Relay(chosen, tuple(by), chosen if always else (), most)
    if not isinstance(always, (str, list, tuple, set, frozenset)):
        raise ConfigurationError(f"must be True, False or media, not {always!r}.", path="relay.always")
    named = _media((always,) if isinstance(always, str) else always, "relay.always")
    if missing := [name for name in named if name not in chosen]:
        raise ConfigurationError(f"names {missing[0]!r}, which the table leaves out.", path="relay.always")
    return Relay(chosen, tuple(by), named, most)
