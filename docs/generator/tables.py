"""Tables of the pages, made from the very data that the code runs on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from generator.dialect_asked import dialects_asked
from generator.dialect_read import dialects_read
from generator.docstrings import first_sentence, named_parts
from generator.markdown import table
from generator.media import media_forms, media_limits
from generator.parameters import families, parameters
from generator.providers import provider_fields, provider_quirks

__all__ = ["TABLES"]

_NEXT = {
    "next": "the next model at once",
    "larger": "the next model with a larger window",
    "raise": "the error is raised: another model would fail too",
}
_COOL = {
    None: "no",
    "score": "after two in a row: 1 s, doubling to 30 s, or as told",
    "backoff": "at once: 1 s, doubling to 30 s, or as told",
    "long": "10 minutes",
    "account": "10 minutes, the whole account",
    "key": "until the configuration changes, the whole key",
    "change": "until the configuration changes",
}


def hints() -> str:
    """Every hint with its type and meaning."""
    from routed_llm.hints import HINTS

    return table(("Hint", "Type", "Meaning"), ((f"`{h.name}`", f"`{h.type}`", h.meaning) for h in HINTS.values()))


def strategies() -> str:
    """Every strategy with its arguments and what it does."""
    from inspect import signature

    from routed_llm.policy.registry import BUILT_IN, find

    rows = []
    for name in sorted(BUILT_IN["strategies"]):
        recipe = find("strategies", name, name)
        takes = ", ".join(f"`{argument}`" for argument in signature(recipe).parameters)
        rows.append((f"[`{name}`](strategies/{name}.md)", takes or "-", first_sentence(recipe.__doc__ or "").rstrip(".")))
    return table(("Strategy", "Takes", "Chooses"), rows)


def _core_class(kind: Any) -> str:
    """langchain-core's class of which an error of this kind is also an instance."""
    from routed_llm.errors import CallFailed
    from routed_llm.langchain.errors import at_the_door

    raised = type(at_the_door(CallFailed("", kind=kind)))
    return next(c.__name__ for c in raised.__mro__ if c.__module__ == "langchain_core.exceptions")


def reactions() -> str:
    """Every kind of error with what it means for the next step."""
    from routed_llm.dispatch.reactions import REACTIONS

    rows = []
    for kind, reaction in REACTIONS.items():
        again = "yes" if reaction.same else "no"
        cells = (reaction.meaning, _NEXT[reaction.then], again, _COOL[reaction.cool], f"`{_core_class(kind)}`")
        rows.append((f"`{kind}`", *cells))
    head = ("`kind`", "What happened", "Then", "Same model again", "Left alone", "langchain-core class")
    return table(head, rows)


def cases() -> str:
    """The parts of kinds that mean something else."""
    from routed_llm.dispatch.reactions import CASES

    rows = []
    for case in CASES:
        reaction = case.reaction
        again = "yes" if reaction.same else "no"
        rows.append((f"{case.name}", reaction.meaning, _NEXT[reaction.then], again, _COOL[reaction.cool]))
    return table(("Case", "What happened", "Then", "Same model again", "Left alone"), rows)


def errors() -> str:
    """Every error class with its parent and first sentence."""
    from routed_llm import errors as module

    rows = []
    for name in module.__all__:
        cls = getattr(module, name)
        if isinstance(cls, type):
            parents = ", ".join(f"`{base.__name__}`" for base in cls.__bases__)
            rows.append((f"`{name}`", parents, first_sentence(cls.__doc__ or "")))
    return table(("Error", "Is a", "When"), rows)


def providers() -> str:
    """Every provider row: the prefix, its other names, and where its key is looked for."""
    from routed_llm.providers.rows import load_rows

    rows = []
    for row in load_rows().values():
        names = ", ".join(f"`{name}:`" for name in (row.name, *row.aliases))
        keys = ", ".join(f"`{name}`" for name in row.key_env) or "-"
        if not row.key_required:
            keys = f"{keys} (not needed)" if row.key_env else "not needed"
        at = ", ".join(f"`{name}`" for name in row.base_url_env)
        where = f"`{row.base_url}`" + (f" or {at}" if at else "") if row.base_url else at
        rows.append((names, row.title, keys, where))
    return table(("Prefix", "Provider", "Key", "Address"), rows)


def limits() -> str:
    """The call budget with its defaults."""
    from routed_llm.dispatch.budget import Limits

    meanings = named_parts(Limits.__doc__ or "")
    units = {"attempts": "", "same": ""}
    rows = []
    for name, default in Limits()._asdict().items():
        shown = "-" if default is None else f"{default:g}{units.get(name, ' s')}"
        rows.append((f"`{name}`", shown, meanings[name]))
    return table(("Limit", "Default", "Meaning"), rows)


def abilities() -> str:
    """The abilities that a call can need."""
    from routed_llm.abilities import ABILITIES

    return ", ".join(f"`{name}`" for name in ABILITIES)


def sandbox() -> str:
    """The simulated models with what they state about themselves."""
    from routed_llm.money import NANO
    from routed_llm.providers.sandbox import DEFAULT_MODELS

    rows = []
    for model in DEFAULT_MODELS:
        price = model.price
        told = "unknown" if price is None else f"${price.input / NANO:g} / ${price.output / NANO:g}"
        rows.append(
            (f"`sandbox:{model.name}`", told, f"{model.context:,}", f"{model.skill:g}", ", ".join(sorted(model.abilities)))
        )
    return table(("Model", "Price per million tokens, in / out", "Window", "Skill", "Abilities"), rows)


def stages() -> str:
    """The steps of a LlamaIndex engine, each with the prompt types that it is known by."""
    from routed_llm.llama_index.stage import STAGES

    kinds: dict[str, list[str]] = {}
    for kind, stage in STAGES.items():
        kinds.setdefault(stage, []).append(f"`{kind}`")
    return table(("Stage", "`prompt_type`"), ((f"`{stage}`", ", ".join(found)) for stage, found in kinds.items()))


def facts() -> str:
    """Every fact that a built-in feature finds out by itself, by feature."""
    from routed_llm.policy.facts import BUILT_IN_FACTS

    by_feature: dict[str, list[str]] = {}
    for fact, feature in BUILT_IN_FACTS.items():
        by_feature.setdefault(feature, []).append(f"`{fact}`")
    rows = ((", ".join(found), f"`{name}`", _feature(name)) for name, found in sorted(by_feature.items()))
    return table(("Facts", "Found out by", "How"), rows)


def pieces() -> str:
    """Every built-in rule, filter, scorer and selector with its arguments and what it does."""
    from inspect import signature
    from typing import get_args

    from routed_llm.policy.registry import BUILT_IN, Kind, find

    rows = []
    for kind in get_args(Kind):
        if kind in ("features", "strategies"):  # they have tables of their own
            continue
        for name in sorted(BUILT_IN[kind]):
            piece = find(kind, name, name)
            takes = ", ".join(f"`{argument.rstrip('_')}`" for argument in signature(piece).parameters)  # if_ is if in files
            rows.append((f"`{name}`", kind.removesuffix("s"), takes or "-", first_sentence(piece.__doc__ or "").rstrip(".")))
    return table(("Piece", "Kind", "Takes", "What it does"), rows)


def features() -> str:
    """Every feature that runs only for those who ask for it, with its arguments."""
    from inspect import signature

    from routed_llm.policy.facts import BUILT_IN_FACTS
    from routed_llm.policy.registry import BUILT_IN, find

    rows = []
    for name in sorted(set(BUILT_IN["features"]) - set(BUILT_IN_FACTS.values())):
        takes = ", ".join(f"`{argument}`" for argument in signature(find("features", name, name)).parameters)
        rows.append((f"`{name}`", takes or "-", _feature(name)))
    return table(("Feature", "Takes", "Finds out"), rows)


def _feature(name: str) -> str:
    from routed_llm.policy.registry import find

    return first_sentence(find("features", name, name).__doc__ or "").rstrip(".")


TABLES: dict[str, Callable[[], str]] = {
    "abilities": abilities,
    "dialects-asked": dialects_asked,
    "dialects-read": dialects_read,
    "errors": errors,
    "facts": facts,
    "features": features,
    "families": families,
    "hints": hints,
    "limits": limits,
    "media-forms": media_forms,
    "media-limits": media_limits,
    "pieces": pieces,
    "parameters": parameters,
    "provider-fields": provider_fields,
    "provider-quirks": provider_quirks,
    "providers": providers,
    "reactions": reactions,
    "cases": cases,
    "sandbox": sandbox,
    "stages": stages,
    "strategies": strategies,
}
