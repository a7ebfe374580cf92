"""What each feature that asks nobody costs: CPU microseconds of one reading, on prompts of three lengths.

``python benchmarks/features.py`` prints the table. What a call's features share, normalising and splitting the last user
message, has a row of its own; every feature is measured behind it, as in a call whose policy reads all of them. Two sums stand
beside their limits: of those that look at a call's form, and of those that read its text and run by themselves where a policy
reads all of their facts. ``demand``, ``keywords``, ``pattern`` and ``examples`` run where somebody asks for them.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import HumanMessage

from routed_llm.langchain.view import MessagesView
from routed_llm.policy.features.classifier import TaskModel
from routed_llm.policy.features.clock import Clock
from routed_llm.policy.features.conversation import Conversation
from routed_llm.policy.features.demand import Demand
from routed_llm.policy.features.examples import Examples, Task
from routed_llm.policy.features.freshness import Freshness
from routed_llm.policy.features.keywords import Keywords
from routed_llm.policy.features.language import Language
from routed_llm.policy.features.length import Length
from routed_llm.policy.features.pattern import Pattern
from routed_llm.policy.features.programming import Programming
from routed_llm.policy.features.sensitivity import Sensitivity
from routed_llm.policy.features.sentiment import Sentiment
from routed_llm.policy.features.shape import Past, Shape
from routed_llm.policy.features.structure import Difficulty
from routed_llm.prompt.words import spoken
from routed_llm.requests import Request

#: characters of the prompts
SIZES = (100, 361, 2_000)
#: least over so many batches; what else the machine does can only add
BATCHES = 30

PROSE = (
    "We moved our support desk to a new tool in spring, and since then the answers take twice as long. Please read the notes "
    "of the team below and tell me which of their complaints have one cause, which are about habit, and what you would change "
    "first. Most agents say that they cannot see who is working on a ticket, so two of them often write to the same customer. "
    "Others miss the old templates, which were kept in a shared folder and copied by hand. The manager wants a short plan by "
    "Friday. "
)
NUMBERS = (
    "In March we sold 1,204 units at 3.50 each, 17 % more than in 2024; returns fell from 61 to 48. Compare this with the plan "
    "of 1,150 units and 3.20, and say what the margin was. The warehouse holds 9,800 pieces on 12 shelves. "
)
CODE = (
    "Why does this function return the wrong total?\n```python\ndef total(orders):\n    result = 0\n    for order in orders:\n"
    "        if order.paid:\n            result += order.price * order.count\n        return result\n```\nThe tests say 12 "
    "where I expect 30. Explain the mistake and show the corrected code. "
)
GERMAN = (
    "Unser Verein möchte im Sommer ein Fest für die Nachbarschaft geben. Schreibe bitte eine freundliche Einladung, die auch "
    "für Kinder verständlich ist, und schlage drei Spiele vor, die man ohne großen Aufwand vorbereiten kann. "
)
TEXTS = (PROSE, PROSE[140:] + PROSE, NUMBERS + PROSE, CODE, GERMAN)


class Noon:
    """All that these features ask of a driver."""

    def wall(self) -> float:
        return 1_767_225_600.0


class Shared:
    """What features have in common."""

    name = "normalise and split"

    async def read(self, request: Request, driver: Any) -> dict[str, Any]:
        spoken(request)
        return {}


_KINDS = ("refund", "shipping", "login", "invoice", "cancel", "upgrade", "complaint", "opening hours", "address", "warranty")
#: ten tasks of five examples each
TASKS = [
    Task(
        kind, [each.format(kind) for each in ("I ask about {}", "my {} please", "{} is wrong", "need {}", "how does {} work?")]
    )
    for kind in _KINDS
]
STRUCTURAL: tuple[Any, ...] = (Shape(), Past(), Clock(), Conversation())
TEXTUAL: tuple[Any, ...] = (
    Shared(), Language(), Programming(), Sentiment(), Freshness(), Length(), Sensitivity(), TaskModel(),
)  # fmt: skip
ON_REQUEST: tuple[Any, ...] = (
    Difficulty(),
    Demand(),
    Keywords(),
    Pattern({"order": r"order no\.? ?\d+", "ticket": "ticket"}),
    Examples(TASKS),
)
#: sums, and what they may be at most, in microseconds
SUMS = (("structural together", STRUCTURAL, 30.0), ("textual together", TEXTUAL, 500.0))


def requests(size: int, copies: int) -> list[Request]:
    """Calls nobody has looked at yet, of all kinds of text."""
    texts = [(text * (size // len(text) + 1))[:size] for text in TEXTS]
    found = []
    for number in range(copies * len(texts)):
        # another object each time: strings remember their hash
        messages = [HumanMessage("".join(list(texts[number % len(texts)])))]
        found.append(Request("langchain", messages, MessagesView(messages), lambda payload, losses: []))
    return found


def _read_all(feature: Any, calls: Sequence[Request], driver: Noon) -> float:
    start = time.process_time()
    for call in calls:
        with contextlib.suppress(StopIteration):
            feature.read(call, driver).send(None)
    return (time.process_time() - start) / len(calls) * 1e6


def measure(batches: int = BATCHES) -> dict[str, dict[str, float]]:
    """Microseconds by feature and characters, with the sums behind their parts."""
    driver, features = Noon(), (*STRUCTURAL, *TEXTUAL, *ON_REQUEST)
    _read_all(features[-1], requests(SIZES[0], 1), driver)  # learns first
    found: dict[str, dict[str, float]] = {feature.name: {} for feature in features}
    for size in SIZES:
        for _ in range(batches):
            # the form is looked at before any text, so that what it needs is paid by it
            calls = requests(size, 8)
            for feature in features:
                took = _read_all(feature, calls, driver)
                row = found[feature.name]
                row[str(size)] = min(row.get(str(size), took), took)
    told: dict[str, dict[str, float]] = {}
    for name, parts, _ in SUMS:
        own = {part.name: found.pop(part.name) for part in parts}
        told |= own | {name: {str(size): sum(row[str(size)] for row in own.values()) for size in SIZES}}
    return {name: {size: round(value, 1) for size, value in row.items()} for name, row in (told | found).items()}


def rows(result: dict[str, dict[str, float]]) -> list[list[str]]:
    """The table, with its head."""
    limits = {name: f"{limit:.0f}" for name, _, limit in SUMS}
    head = ["feature", *(f"{size:,} characters, us" for size in SIZES), "limit, us"]
    return [head, *([name, *(f"{row[str(size)]:.1f}" for size in SIZES), limits.get(name, "")] for name, row in result.items())]


if __name__ == "__main__":
    for line in rows(measure()):
        print("  ".join(cell.ljust(22) for cell in line))
