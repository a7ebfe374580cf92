"""What a model is good at: numbers from 0 to 1 by task, domain, language and programming language.

A name is a task (``code_debug``), a group of tasks (``code``), a domain (``legal``), a language (``language:de``), a
programming language (``code:python``), or a task or domain of the user's own.
"""

from __future__ import annotations

import re
from functools import lru_cache

from routed_llm.abilities import DOMAINS, TASK_GROUPS, TASKS
from routed_llm.errors import ConfigurationError
from routed_llm.refusing import nearest

__all__ = ["check_kind_of_call", "check_strength_name", "strength_names"]

_LANGUAGE = re.compile(r"language:[a-z]{2,3}")
_CODE = re.compile(r"code:\S+")
#: how alike two names are before one counts as a mistyped other
_MISTYPED = 0.88


def check_strength_name(name: str, path: str) -> None:
    """Refuse what can only be mistyped. Names that are like none of the known ones are the user's own tasks or domains.

    Raises:
        ConfigurationError: the message names the nearest known name.
    """
    if ":" not in name:
        check_kind_of_call(name, f"{path}.{name}", "strength")
    elif not (_LANGUAGE.fullmatch(name) or _CODE.fullmatch(name)):
        raise ConfigurationError(
            "unknown strength; a language is named like 'language:de', a programming language like 'code:python'.",
            path=f"{path}.{name}",
        )


def check_kind_of_call(name: str, path: str, what: str = "task or domain") -> None:
    """The same for the name of a task, a group of tasks or a domain; ``what`` says in the message what it is taken for.

    Raises:
        ConfigurationError: at ``path``; the message names the nearest known name.
    """
    known = (*TASKS, *TASK_GROUPS, *DOMAINS)
    if name not in known and (meant := nearest(name, known, cutoff=_MISTYPED)):
        raise ConfigurationError(f"unknown {what} {name!r}.{meant}", path=path)


@lru_cache(maxsize=1024)
def strength_names(
    task: str | None = None,
    domain: str | None = None,
    language: str | None = None,
    programming_language: str | None = None,
) -> tuple[str, ...]:
    """The names under which a call's strength is looked up, the most specific first.

    These are: programming language (of a call about code), task, its group, domain, language.

    >>> strength_names("code_debug", "finance", "de", "python")
    ('code:python', 'code_debug', 'code', 'finance', 'language:de')
    """
    names: list[str] = []
    group = "" if task is None else task.partition("_")[0]
    if programming_language is not None and (task is None or group == "code"):
        names.append(f"code:{programming_language.lower()}")
    if task is not None:
        names.append(task.lower())
        if group in TASK_GROUPS:
            names.append(group)
    if domain is not None:
        names.append(domain.lower())
    if language is not None:
        names.append(f"language:{language.lower().partition('-')[0]}")
    return tuple(names)
