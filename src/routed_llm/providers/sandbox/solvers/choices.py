"""Chooses among numbered texts, in the form that is asked for: a number, JSON, documents with relevance, a ranking."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from random import Random
from typing import Any

from routed_llm.providers.sandbox.prompt import Prompt
from routed_llm.providers.sandbox.solvers.picking import Scored, numbered, score
from routed_llm.providers.sandbox.solvers.solution import Solution

__all__ = ["solve"]

_FLAGS = re.IGNORECASE | re.DOTALL
_LISTED = re.compile(r"numbered\s+list\b.*?\n[ \t]*-{5,}[ \t]*\n(.*)-{5,}[ \t]*\n(.*)", _FLAGS)
_QUESTION = re.compile(r"question\s*:\s*['\"](.*)['\"]|piece of information\s*:\s*(.*?)\n\s*answer with", _FLAGS)
_MOST = re.compile(r"no more than (\d+)", re.IGNORECASE)
_LABEL = re.compile(r"['\"`](\w+\s*:)\s*<numbers?>", re.IGNORECASE)
_JSON = re.compile(r"\bjson\b", re.IGNORECASE)
_DOCUMENTS = re.compile(r"^Document 1:.*\bquestion\s*:\s*(.*?)\n\s*answer\s*:\s*$", _FLAGS | re.MULTILINE)
_RANKING = re.compile(r"search query\s*:\s*(.*?)\.?\s*\n\s*rank the (\d+) passages above", _FLAGS)
#: share of the question that a text must cover to be relevant at all
_RELEVANT = 0.3
#: a second choice is as good as this share of the best
_SECOND = 0.6


def solve(prompt: Prompt) -> Solution | None:
    """The choice; None where nothing is to be chosen. Each four texts are a step."""
    text = prompt.text
    if "relevance" in text.lower() and _DOCUMENTS.search(text):
        return _documents(text)
    ranking = _RANKING.search(text)
    if ranking is not None:
        return _ranked(ranking[1], [turn for role, turn in prompt.turns if role == "user" and turn.startswith("[")])
    listed = _LISTED.search(text)
    asked = _QUESTION.search(listed[2]) if listed else None
    if listed is None or asked is None:
        return None
    return _chosen(text, score(asked[1] or asked[2] or "", numbered(listed[1].rstrip("- \n"), r"^\s*\((\d+)\)")))


def _swapped(scored: list[Scored], chance: Random) -> list[Scored]:
    """Another text comes first: the next best one, now and then any."""
    if len(scored) < 2:
        return scored
    at = 1 if chance.random() < 0.7 else chance.randrange(1, len(scored))
    return [scored[at], *scored[:at], *scored[at + 1 :]]


def _chosen(text: str, scored: list[Scored]) -> Solution | None:
    if not scored:
        return None
    several = _MOST.search(text)
    most = int(several[1]) if several else 1
    best = [item for item in scored if item.share >= _SECOND * scored[0].share and item.share > 0][:most] or scored[:1]

    def wrong(chance: Random) -> str:
        return _spoken(text, _swapped(scored, chance)[: len(best)])

    return Solution("choice", _spoken(text, best), len(scored) / 4, wrong, source=text, values=_selected)


def _spoken(text: str, chosen: list[Scored]) -> str:
    """The choice in the form that the prompt asks for. No reason holds a figure: readers take the first numbers they find."""
    label = _LABEL.search(text)
    if label is not None:
        return f"{label[1]} {', '.join(str(item.number) for item in chosen)}\n{_reason(chosen[0])}"
    return json.dumps([{"choice": item.number, "reason": _reason(item)} for item in chosen]) if _JSON.search(text) else (
        f"{', '.join(str(item.number) for item in chosen)}\n{_reason(chosen[0])}"
    )  # fmt: skip


def _reason(item: Scored) -> str:
    return f"It shares with the question: {', '.join(item.words)}." if item.words else "It fits the kind of question best."


def _selected(said: str) -> Mapping[str, Any]:
    """The fields of a chooser's answer object."""
    if said.startswith("["):
        chosen = [(one["choice"], one["reason"]) for one in json.loads(said)]
    else:
        first, _, reason = said.partition("\n")
        chosen = [(int(number), reason) for number in re.findall(r"\d+", first)]
    picks = [{"index": number, "reason": reason} for number, reason in chosen]
    return {**picks[0], "choice": chosen[0][0], "selections": picks} if picks else {}


def _documents(text: str) -> Solution | None:
    """Relevant documents by number, as ``Doc: 3, Relevance: 7``; examples in the prompt end at a line of their own."""
    shown = re.split(r"let's try this now\s*:", text, flags=re.IGNORECASE)[-1]
    form = _DOCUMENTS.search(shown)
    if form is None:
        return None
    listed = numbered(shown[: form.start(1)], r"^Document (\d+):")
    listed[-1:] = [re.sub(r"\s*question\s*:\s*$", "", listed[-1], flags=re.IGNORECASE)]
    scored = score(form[1], listed)
    found = [item for item in scored if item.share >= _RELEVANT and item.words]

    def wrong(chance: Random) -> str:
        return _relevances(_swapped(scored, chance)[: max(1, len(found))])

    return Solution("choice", _relevances(found), len(scored) / 4, wrong, source=shown, values=_documented)


def _relevances(found: list[Scored]) -> str:
    lines = [f"Doc: {item.number}, Relevance: {min(10, max(1, round(10 * item.share)))}" for item in found]
    return "\n".join(lines) or "None of the documents is relevant."


def _documented(said: str) -> Mapping[str, Any]:
    pairs = re.findall(r"Doc: (\d+), Relevance: (\d+)", said)
    return {"documents": [{"document_number": int(number), "relevance": int(share)} for number, share in pairs]}


def _ranked(question: str, passages: list[str]) -> Solution | None:
    if not passages:
        return None
    scored = score(question, [re.sub(r"^\[\d+\]\s*", "", passage) for passage in passages])

    def spoken(items: list[Scored]) -> str:
        return " > ".join(f"[{item.number}]" for item in items)

    return Solution("choice", spoken(scored), len(scored) / 4, lambda chance: spoken(_swapped(scored, chance)))
