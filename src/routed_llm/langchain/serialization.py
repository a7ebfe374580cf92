"""Makes ``langchain_core.load.load`` accept our classes, as it does the integrations that it knows by itself.

``load`` refuses every class that is not in its table, also with ``allowed_objects="all"``. A program that imported this
package trusts it, so the classes are entered there; documents still need ``valid_namespaces=["routed_llm"]``.
"""

from __future__ import annotations

import sys

from langchain_core.load import mapping

__all__ = ["BOUND", "PATH", "register"]

PATH = ("routed_llm", "langchain", "chat_model", "RoutedChatModel")
BOUND = ("routed_llm", "langchain", "bound", "BoundModel")


def register() -> None:
    """Enter the classes; safe to call more than once, before and after ``load`` was imported."""
    for path in (PATH, BOUND):
        mapping.SERIALIZABLE_MAPPING.setdefault(path, path)
    loader = sys.modules.get("langchain_core.load.load")
    if loader is not None:
        for path in (PATH, BOUND):
            loader.ALL_SERIALIZABLE_MAPPINGS.setdefault(path, path)
        loader._default_class_paths_cache.pop("all", None)
