"""Model families x parameters, as ``families.toml`` has them: which parameters a model refuses, or takes in another form."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

__all__ = ["Family", "families", "family_of"]


class Family(NamedTuple):
    """What is known of the models of a family.

    Args:
        drops: parameters that they refuse.
        params: parameter -> how it is sent; see the head of ``families.toml``.
        source: where that is known from.
        providers: where they are served.
        models: beginnings of their names; empty stands for all.
        without: parts of names that take a model out again.
    """

    drops: frozenset[str] = frozenset()
    params: Mapping[str, Mapping[str, Any]] = {}
    source: str = ""
    providers: frozenset[str] = frozenset()
    models: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def has(self, provider: str, model: str) -> bool:
        """Whether a model of a provider is one of them; a fine-tune is as its base."""
        name = model.lower().rpartition("/")[2].removeprefix("ft:")
        named = not self.models or name.startswith(self.models)
        return provider in self.providers and named and not any(part in name for part in self.without)


@lru_cache(maxsize=1)
def families() -> Mapping[str, Family]:
    """All families by name, in the order of the file; read once."""
    import tomllib  # only the first call needs these two
    from importlib.resources import files

    text = (files("routed_llm.dialects.openai_chat") / "families.toml").read_text(encoding="utf-8")
    return {
        name: Family(
            frozenset(told.get("drops", ())),
            told.get("params", {}),
            told["source"],
            frozenset(told["providers"]),
            tuple(told.get("models", ())),
            tuple(told.get("except", ())),
        )
        for name, told in tomllib.loads(text).items()
    }


def family_of(provider: str, model: str) -> Family:
    """What all families of which a model is one say of it together."""
    drops: frozenset[str] = frozenset()
    params: dict[str, dict[str, Any]] = {}
    for family in families().values():
        if family.has(provider, model):
            drops |= family.drops
            for name, how in family.params.items():
                params[name] = {**params.get(name, {}), **how}
    return Family(drops, params)
