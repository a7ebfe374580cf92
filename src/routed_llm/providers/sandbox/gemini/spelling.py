"""Names of fields: JSON of protobuf takes ``inline_data`` for ``inlineData``, and refuses names that it does not know."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from routed_llm.providers.sandbox.checks import need_object
from routed_llm.providers.sandbox.replies import Refusal

__all__ = ["fields", "refuse"]

_HUMP = re.compile(r"_([a-z0-9])")


def fields(value: Any, path: str, known: Collection[str]) -> dict[str, Any]:
    """The fields of an object by their names in camel case, without those that are null.

    Raises:
        Refusal: for what is no object, and for a name that is none of ``known``.
    """
    told = need_object(value, path or "the body")
    found: dict[str, Any] = {}
    for name, inner in told.items():
        spelled = _HUMP.sub(lambda hump: hump[1].upper(), name)
        if spelled not in known:
            where = f" at '{path}'" if path else ""
            raise Refusal(f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.', exact=True)
        if inner is not None:
            found[spelled] = inner
    return found


def refuse(message: str) -> Refusal:
    """A refusal in Google's own words."""
    return Refusal(message, exact=True)
