"""What readers of other packages share: the question, the common form of an answer, and the judgement, printed as JSON."""

from __future__ import annotations

import importlib.metadata
import json
import logging
import re
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[2] / "tests" / "dialects")]

import judging  # noqa: E402  # the path is set above
from recorded import exchanges  # noqa: E402

QUESTION = "Hello?"
#: the miss of a package that counts what the provider does not tell
ESTIMATED = "reasoning tokens where the provider tells none"
_PAYMENT_REQUIRED = 402
_THOUGHT = re.compile(r"<(think|thinking)>.*?</\1>", re.DOTALL)
#: finish words of all providers -> the common ones; what is not here is "other"
FINISHES = {
    **dict.fromkeys(("stop", "end_turn", "stop_sequence", "completed", "eos"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "model_context_window_exceeded", "model_length"), "length"),
    **dict.fromkeys(("tool_calls", "tool_use", "function_call"), "tool_calls"),
    **dict.fromkeys(
        ("content_filter", "safety", "recitation", "prohibited_content", "blocklist", "spii", "refusal", "guardrail_intervened",
         "content_filtered", "image_safety"),
        "content_filter",
    ),
}  # fmt: skip


def answer(
    text: str | None,
    calls: Sequence[tuple[str, Any]],
    finish: str | None,
    counts: Sequence[int | None] | None,
    reasoning: Any,
) -> SimpleNamespace:
    """An answer as it is judged.

    Args:
        text: what is visible.
        calls: name and arguments, as JSON text or as they are.
        finish: in the package's words; behind calls, plain ends count as those of calls.
        counts: tokens of input, output, read from a cache, of reasoning; unknown ones count as none.
        reasoning: anything but nothing where the package shows that there was some.
    """
    said = FINISHES.get((finish or "").lower(), "other")
    told = [(name, given if isinstance(given, str) else json.dumps(given)) for name, given in calls]
    usage = None
    if counts is not None and any(counts):
        names = ("input_tokens", "output_tokens", "cache_read", "reasoning")
        usage = SimpleNamespace(**{name: count or 0 for name, count in zip(names, counts, strict=True)})
    return SimpleNamespace(
        text=text or "",
        finish="tool_calls" if calls and said == "stop" else said,
        usage=usage,
        tool_calls=[SimpleNamespace(name=name, arguments=given) for name, given in told],
        reasoning=reasoning,
        extras={},
    )


def class_of(error: BaseException, classes: Mapping[str, set[str]]) -> set[str]:
    """The first entry of ``classes`` that names a class of the error; else what its status says by itself."""
    names = {cls.__name__ for cls in type(error).__mro__}
    found = next((told for name, told in classes.items() if name in names), None)
    return found if found is not None else {"quota"} if getattr(error, "status_code", None) == _PAYMENT_REQUIRED else set()


def lenient(exchange: judging.Exchange) -> judging.Exchange:
    """The same, where blanks around the text, and thoughts in tags that a package takes out of it, make no difference."""
    expected = exchange["expected"]
    if not isinstance(text := expected.get("text"), str):
        return exchange
    others = [text, _THOUGHT.sub("", text)]
    others = [form for other in others for form in (other, other.strip(), other.lstrip(), other.rstrip())]
    return {**exchange, "expected": {**expected, "text_alt": [*(expected.get("text_alt") or ()), *others]}}


def words(told: Any) -> str:
    """A miss in words, without anything of the recording."""
    if isinstance(told, BaseException):
        return f"raises {type(told).__name__}"
    name, value = told.partition(" ")[::2]
    if name == "reasoning":
        counted = ESTIMATED if value.endswith("instead of 0") else "reasoning tokens"
        return counted if value else "reasoning itself"
    return {
        "input": "input tokens", "output": "output tokens", "cached": "cached tokens", "finish": "finish reason",
        "tool_calls": "tool calls", "usage": "no usage",
    }.get(name, name)  # fmt: skip


def judged(
    dialect: str, reader: judging.Reader, failures: type[BaseException], classes: Callable[[BaseException], set[str]]
) -> dict[str, Any]:
    """Figures of one reader for one dialect; misses in words only."""
    found = [lenient(exchange) for exchange in exchanges(dialect)]
    count, misses = judging.misread(found, reader, failures)
    errors, others = judging.misclassed(found, reader, failures, classes)
    cut, without = judging.silent(found, reader, failures)
    return {
        "answers": count,
        "misses": {name: sorted({words(each) for each in told}) for name, told in misses.items()},
        "errors": errors,
        "misclassed": sorted(others),
        "cut": cut,
        "silent": len(without),
    }


def main(readers: Callable[[str], tuple[judging.Reader, Callable[[BaseException], set[str]]]], packages: Sequence[str]) -> None:
    """Judge the dialects named in the command line and print the figures as one line of JSON."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    figures: Mapping[str, Any] = {each: judged(each, *_with_failures(readers(each))) for each in sys.argv[1:]}
    versions = {name: importlib.metadata.version(name) for name in packages}
    print(json.dumps({"versions": versions, "figures": figures}))


def _with_failures(pair: tuple[Any, Any]) -> tuple[Any, type[BaseException], Any]:
    return pair[0], Exception, pair[1]
