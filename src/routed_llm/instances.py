"""Instances without a dict of their own, for classes of which every call makes some."""

from __future__ import annotations

__all__ = ["share_names"]


def share_names(cls: type, *names: str) -> None:
    """Let instances of a class share one table of their attributes' names, whichever of these names they get, and in any order.

    CPython 3.11 and later keep the attributes of an instance in an array, by a table that all instances of the class share.
    The first few instances fill the table. One that gets a further name afterwards has to have a dict of its own, which takes
    several times as long. So the first instance of all gets all names. There is room for fewer than 30
    (``SHARED_KEYS_MAX_SIZE`` in CPython's ``pycore_dict.h``).

    Args:
        cls: a class of which there is no instance yet.
        names: of attributes that its instances may have; those that hardly any has can be left out.
    """
    first: object = object.__new__(cls)
    for name in names:
        object.__setattr__(first, name, None)
