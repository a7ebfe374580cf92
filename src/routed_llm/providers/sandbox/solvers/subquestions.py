"""Splits a question into ones that single tools can answer, as a JSON block of sub-questions with a tool for each."""

from __future__ import annotations

import json
import re
from collections import Counter
from random import Random

from routed_llm.providers.sandbox.prompt import Prompt
from routed_llm.providers.sandbox.solvers.extraction import names
from routed_llm.providers.sandbox.solvers.fields import words_of
from routed_llm.providers.sandbox.solvers.solution import Solution
from routed_llm.providers.sandbox.solvers.words import stems

__all__ = ["solve"]

_FORM = re.compile(
    r"<tools>\s*```(?:json)?\s*(\{.*?\})\s*```\s*<user question>\s*(.*?)\s*<output>\s*$", re.IGNORECASE | re.DOTALL
)
_CLAUSE = re.compile(r"\?\s+|;\s*|,?\s+and\s+(?=(?:who|whom|when|where|what|which|why|how)\b)", re.IGNORECASE)
_COMPARE = re.compile(
    r"^\s*(?:please\s+)?(?:compare(?:\s+and\s+contrast)?|contrast|discuss|describe|summarize|tell me about|list|give me)\s+",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+")

Asked = tuple[str, str]


def solve(prompt: Prompt) -> Solution | None:
    """The sub-questions; None where none are asked for. Each one is a step."""
    forms = [match for match in [_FORM.search(prompt.text[at:]) for at in _starts(prompt.text)[-1:]] if match]
    if not forms:
        return None
    try:
        tools = json.loads(forms[0][1])
    except ValueError:
        return None
    asked = _asked(forms[0][2], {str(name): str(text) for name, text in tools.items()})

    def wrong(chance: Random) -> str:
        left = list(asked)
        if len(left) > 1:
            left.pop(chance.randrange(len(left)))
        elif len(tools) > 1:
            left = [(left[0][0], next(name for name in tools if name != left[0][1]))]
        return _block(left)

    return Solution("sub-questions", _block(asked), float(len(asked)), wrong)


def _starts(text: str) -> list[int]:
    """Where lists of tools begin: the last one is the task, those before it are examples."""
    return [match.start() for match in re.finditer(r"<tools>", text, re.IGNORECASE)]


def _block(asked: list[Asked]) -> str:
    items = [{"sub_question": question, "tool_name": tool} for question, tool in asked]
    return f"```json\n{json.dumps({'items': items}, indent=4, ensure_ascii=False)}\n```"


def _asked(question: str, tools: dict[str, str]) -> list[Asked]:
    """For each clause, a question for each tool that it speaks of by a word that other tools do not share."""
    described = {name: set(stems(" ".join([*words_of(name), text]))) for name, text in tools.items()}
    common = Counter(word for words in described.values() for word in words)
    special = {name: {word for word in words if common[word] == 1} for name, words in described.items()}
    found: list[Asked] = []
    for clause in [part for part in _CLAUSE.split(question) if stems(part)] or [question]:
        own = set(stems(clause))
        named = [name for name in tools if special[name] & own]
        if not named:
            best = max((len(words & own) for words in described.values()), default=0)
            named = [name for name in tools if len(described[name] & own) == best]
            found += [(_question(clause), name) for name in named]
            continue
        for name in named:
            others = set().union(*(special[other] for other in named if other != name)) - special[name]
            found.append((_question(_without(clause, others, special[name])), name))
    return list(dict.fromkeys(found))


def _without(clause: str, others: set[str], own: set[str]) -> str:
    """The clause without the names and words that only other tools answer to, and without the joints that are left over."""
    for name in names(clause):
        words = set(stems(name))
        if words & others and not words & own:
            clause = clause.replace(name, "\0")
    kept = _WORD.sub(lambda match: "\0" if set(stems(match[0])) & others else match[0], clause)
    kept = re.sub(r"(?:\0['\u2019]s|\0)(?:\s+\0)*", "\0", kept)
    kept = re.sub(
        r"(?:\s*,)?\s*\b(?:and|or|with|to|versus|vs)\s+(?:the\s+)?\0|\0\s*(?:,\s*)?(?:and|or|with|versus|vs)\s+|\0\s*,?\s*",
        " ",
        kept,
    )
    return re.sub(r"\s+([,?.])", r"\1", re.sub(r"\s{2,}", " ", kept)).strip()


def _question(clause: str) -> str:
    """The clause as a question."""
    bare = clause.strip().rstrip("?.! ")
    compared = _COMPARE.sub("", bare)
    said = f"What is {compared}" if compared != bare else bare
    return f"{said[:1].upper()}{said[1:]}?"
