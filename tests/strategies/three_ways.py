"""One call in each of three ways: through LangChain, through LlamaIndex, and with the router made from a file."""

import os
import tempfile
from pathlib import Path
from typing import Any

from kit import Answered, Pool, as_toml, ask

from routed_llm import Router

WAYS = ("langchain", "llama_index", "file")


def router_of(way: str, pool: Pool, strategy: Any) -> Router:
    """The pool's router; from a file the strategy is written in TOML first."""
    if way != "file":
        return pool.router(strategy)
    os.environ["POOL_KEY"] = "any"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "routed.toml"
        path.write_text(pool.file(f"strategy = {as_toml(strategy)}"), encoding="utf-8")
        return Router.from_config(path)


def asked(way: str, pool: Pool, strategy: Any, text: str = "What is 17 + 4?", **routing: Any) -> Answered:
    """One call by a fresh router; keywords are hints."""
    return through(way, router_of(way, pool, strategy), text, **routing)


def through(way: str, router: Router, text: str = "What is 17 + 4?", **routing: Any) -> Answered:
    """One call through the door of a way."""
    return ask("langchain" if way == "file" else way, router, text, routing or None)
