"""Profiles of models inside LangChain's partner packages (MIT; from models.dev, MIT), read without importing these."""

from __future__ import annotations

import ast
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from routed_llm.abilities import PROFILE_KEYS

__all__ = ["profile_row", "profiles_of"]

Row = dict[str, Any]

#: our ability -> key of a LangChain profile
ABILITIES = {**PROFILE_KEYS, "temperature": "temperature"}


@cache
def profiles_of(package: str | None) -> dict[str, Row]:
    """The profiles in ``data/_profiles.py`` of an installed partner package, read without importing it."""
    if package is None:
        return {}
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        raise SystemExit(f"{package} is not installed: install the project with its extra 'data' first") from None
    found = next((f for f in files if f.name == "_profiles.py"), None)
    if found is None:
        return {}
    tree = ast.parse(Path(str(found.locate())).read_text(encoding="utf-8"))
    return next((ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.AnnAssign) and n.value), {})


def profile_row(profile: Row) -> Row:
    """What a LangChain profile knows of a model."""
    return {
        "context": profile.get("max_input_tokens") or None,
        "max_output": profile.get("max_output_tokens") or None,
        "released": profile.get("release_date"),
        "knowledge": profile.get("knowledge"),
        "status": profile.get("status"),
        "abilities": {ours: profile[theirs] for ours, theirs in ABILITIES.items() if theirs in profile},
    }
