"""One row for a model that a host lists once for each area."""

from __future__ import annotations

import json
from typing import Any

from model_facts.naming import area_of

__all__ = ["folded"]

Row = dict[str, Any]


def folded(rows: dict[str, Row]) -> dict[str, Row]:
    """Rows of one model that only an area before the name tells apart (``us.``, ``eu.``) as one row with further spellings."""
    kept_rows: dict[str, Row] = {}
    first: dict[tuple[str, str], str] = {}
    owners: dict[str, str] = {}
    for name, row in sorted(rows.items(), key=lambda item: (area_of(item[0]) != "", item[0])):
        bare = name.removeprefix(area_of(name))
        key = (bare, json.dumps({k: v for k, v in row.items() if k != "matches"}, sort_keys=True))
        owner = first.setdefault(key, name)
        if owner == name:
            kept_rows[name] = row
        else:
            kept_rows[owner]["matches"] = sorted({*kept_rows[owner].get("matches", ()), *row.get("matches", ()), name.lower()})
            owners[name.lower()] = owner
    for name, row in kept_rows.items():  # a source may count an area's name to another row, which has another price
        row["matches"] = [each for each in row.get("matches", ()) if owners.get(each, name) == name]
    return dict(sorted(kept_rows.items()))
