"""Zero configuration: a pool from the keys that the environment has, and from a running Ollama."""

from __future__ import annotations

import os
import time
from typing import Any

import orjson

from routed_llm.catalog.models import Model
from routed_llm.errors import NoModels
from routed_llm.providers.rows import ProviderRow, Providers
from routed_llm.providers.transport import Fault, Target, get_sync

__all__ = ["discover"]

#: seconds that a local server may take to say what it has
LOCAL_PATIENCE = 0.3
#: local models taken into the pool at most
LOCAL_MODELS = 3


def discover(providers: Providers) -> list[Model]:
    """One cheap, one middle and one strong current model of each provider whose key is set, and Ollama's own models.

    Raises:
        NoModels: when there is nothing; the message says what to do.
    """
    rows = providers.rows
    found: list[Model] = []
    names: list[str] = []
    without = [row.key_name(os.environ) for row in rows.values() if not row.pool]
    for row in rows.values():
        if row.pool and row.key_env:
            names.append(row.key_env[0])
            if any(os.environ.get(name) for name in row.key_env):
                found.extend(Model(f"{row.name}:{name}") for name in dict.fromkeys(row.pool.values()))
    ollama = rows.get("ollama")
    if ollama is not None:
        found.extend(_local(ollama))
    if not found:
        unused = [name for name in without if name]
        also = f" (Found {', '.join(unused)}, whose providers have no default models: pass models=[...].)" if unused else ""
        raise NoModels(
            f'No model to route to. Set {", ".join(names)}, pass models=[...], or try RoutedChatModel("sandbox") '
            f"(simulated models, no key).{also}"
        )
    return found


def _local(row: ProviderRow) -> list[Model]:
    """Models of a local server, where one is running."""
    base = row.address(os.environ)
    if base is None:
        return []
    transport = get_sync()
    try:
        reply = transport.get(Target(f"{base}/models"), time.monotonic() + LOCAL_PATIENCE)
        listed: Any = orjson.loads(reply.body).get("data") if reply.status == 200 else None
    except (Fault, orjson.JSONDecodeError, AttributeError):
        return []
    finally:
        transport.close()
    names = [entry["id"] for entry in listed or () if isinstance(entry, dict) and isinstance(entry.get("id"), str)]
    return [Model(f"{row.name}:{name}") for name in names[:LOCAL_MODELS]]
