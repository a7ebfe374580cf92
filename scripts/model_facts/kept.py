"""The facts of ``kept.toml``: hand-kept ones that no package tells, each table with its source."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from model_facts.naming import plain_name

__all__ = ["agreements", "factuality", "languages", "sources"]


@cache
def _kept() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "kept.toml").read_text(encoding="utf-8"))


def agreements() -> dict[str, list[str]]:
    """What holds for every customer of a provider, by our name of it."""
    return {table["provider"]: table["holds"] for table in _kept()["agreements"]}


@cache
def languages() -> dict[str, list[str]]:
    """Languages that makers name as supported, by plain names."""
    return {plain_name(model): table["languages"] for table in _kept()["languages"] for model in table["models"]}


@cache
def factuality() -> dict[str, float]:
    """Share of summaries without a claim that the text does not make, 0 to 1, by plain names."""
    return {plain_name(model): round(percent / 100, 3) for model, percent in _kept()["factuality"]["percent"].items()}


def sources() -> list[dict[str, str]]:
    """Each table's source, in the form of the file's list of sources."""
    told = [(table["source"], "agreements", table["read"]) for table in _kept()["agreements"]]
    told += [(table["source"], "languages", table["read"]) for table in _kept()["languages"]]
    told.append((_kept()["factuality"]["source"], "factuality", _kept()["factuality"]["read"]))
    return [{"name": name, "version": read, "license": "facts, kept by hand", "gives": gives} for name, gives, read in told]
