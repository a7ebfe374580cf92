"""Makes ``langchain_core.load.load`` accept our class, as it does the integrations that it knows by itself.

``load`` refuses every class that is not in its table, also with ``allowed_objects="all"``. A program that imported this
package trusts it, so the class is entered there; documents still need ``valid_namespaces=["routed_llm"]``.
"""

from __future__ import annotations

import sys

from langchain_core.load import mapping

__all__ = ["PATH", "register"]

PATH = ("routed_llm", "langchain", "chat_model", "RoutedChatModel")


def register() -> None:
    """Enter the class; safe to call more than once, before and after ``load`` was imported."""
    mapping.SERIALIZABLE_MAPPING.setdefault(PATH, PATH)
    loader = sys.modules.get("langchain_core.load.load")
    if loader is not None:
        loader.ALL_SERIALIZABLE_MAPPINGS.setdefault(PATH, PATH)
        loader._default_class_paths_cache.pop("all", None)
