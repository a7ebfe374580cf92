"""Writes docs/compared-table.md: how well we, litellm and LangChain's partner packages read recorded exchanges.

``python scripts/compare_readers.py --litellm PYTHON --langchain PYTHON``

Each PYTHON is the interpreter of an environment with the packages (the page says which). Exchanges are replayed on
loopback; all read the same bytes and are judged by the same facts. The recordings have to be beside this checkout
(``tests/dialects/recorded.py`` says where).
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "readers"), str(HERE.parent / "tests" / "dialects"), str(HERE.parent / "src")]

from peers import ESTIMATED, words  # noqa: E402  # the path is set above

PAGE = HERE.parent / "docs" / "compared-table.md"


class Compared(NamedTuple):
    """A dialect: its name in the recordings, the test module that knows how each exchange is asked, and who else reads it."""

    recorded: str
    tests: str
    litellm: str
    langchain: str


#: our dialects
DIALECTS = {
    "openai.chat": Compared("openai-chat", "test_openai_chat", "`completion`", "`ChatOpenAI`"),
    "openai.responses": Compared(
        "openai-responses", "test_openai_responses_recorded", "`responses`", "`ChatOpenAI(use_responses_api=True)`"
    ),
    "anthropic.messages": Compared(
        "anthropic-messages", "test_anthropic_messages_recorded", "`completion`, `anthropic/`", "`ChatAnthropic`"
    ),
    "gemini.generate": Compared(
        "gemini-generate", "test_gemini_recorded", "`completion`, `gemini/`", "`ChatGoogleGenerativeAI`"
    ),
    "bedrock.converse": Compared(
        "bedrock-converse", "test_bedrock_converse", "`completion`, `bedrock/converse/`", "`ChatBedrockConverse`"
    ),
}
_TIMEOUT = 1_800  # seconds
_MOST_MISSES = 4


def ours(name: str) -> dict[str, Any]:
    """Our figures for one dialect, by the very functions of the conformance tests."""
    from conforming import misclassed, misread, silent
    from recorded import exchanges

    about = DIALECTS[name]
    wire = import_module(about.tests).wire
    answers, misses = misread(name, exchanges(about.recorded), wire)
    errors, others = misclassed(name, exchanges(about.recorded), wire)
    cut, without = silent(name, exchanges(about.recorded), wire)
    told = {each: sorted({words(what) for what in found}) for each, found in misses.items()}
    return {
        "answers": answers, "misses": told, "errors": errors, "misclassed": sorted(others), "cut": cut, "silent": len(without),
    }  # fmt: skip


def peer(script: str, python: str | None) -> dict[str, Any]:
    """What a peer's process found; where it could not run, why."""
    if python is None:
        return {"skipped": "no environment was given"}
    command = [python, str(HERE / "readers" / script), *(about.recorded for about in DIALECTS.values())]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"skipped": type(error).__name__}
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"versions"')]
    if lines:
        found: dict[str, Any] = json.loads(lines[-1])
        return found
    return {"skipped": (done.stderr.strip() or "nothing was printed").splitlines()[-1]}


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table in Markdown."""
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (head, ["---"] * len(head), *rows))


def row(who: str, asked: str, figures: Mapping[str, Any]) -> list[str]:
    """Figures of one reader for one dialect."""
    answers, errors, cut = figures["answers"], figures["errors"], figures["cut"]
    counted = Counter(word for told in figures["misses"].values() for word in told)
    told = [f"{word} ({count})" for word, count in counted.most_common(_MOST_MISSES)]
    more = len(counted) - len(told)
    missed = ", ".join(told) + (f", and {more} more kinds" if more > 0 else "") or "none"
    right = f"{answers - len(figures['misses'])} of {answers}"
    if estimated := sum(told == [ESTIMATED] for told in figures["misses"].values()):
        right += f" ({answers - len(figures['misses']) + estimated} but for estimates)"
    return [who, asked, right, missed, f"{errors - len(figures['misclassed'])} of {errors}", f"{figures['silent']} of {cut}"]


def page(own: Mapping[str, Any], litellm: Mapping[str, Any], langchain: Mapping[str, Any]) -> str:
    """The page for the documentation."""
    head = ("reader", "asked by", "answers fully right", "what is wrong", "errors in their class", "cut streams given out")
    sections = []
    for name, about in DIALECTS.items():
        rows = [row("routed-llm", f"`{name}`", own[name])]
        for who, found, asked in (("litellm", litellm, about.litellm), ("LangChain", langchain, about.langchain)):
            figures = found.get("figures", {}).get(about.recorded)
            rows.append(row(who, asked, figures) if figures else [who, asked, found.get("skipped", "not measured"), "", "", ""])
        sections.append(f"## {name}\n\n{table(head, rows)}\n")
    versions = {"routed-llm": metadata.version("routed-llm"), **litellm.get("versions", {}), **langchain.get("versions", {})}
    told = ", ".join(f"{package} {version}" for package, version in versions.items())
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return _PAGE.format(date=datetime.date.today().isoformat(), versions=told, python=python, sections="\n".join(sections))


_PAGE = """\
# Dialects, compared

Written by `scripts/compare_readers.py` on {date}, on {python}, with {versions}.

How well do we read what real providers sent, and how well do others? Recorded exchanges are replayed by a server on loopback.
Every package is pointed at it, asks a plain question, gets the same bytes, and is judged by the same facts: text, calls of the
caller's tools with their arguments, finish, tokens of input, output, cache and reasoning, and whether there was reasoning. The
recordings were made against the services by other projects, except for a few errors that are written by hand.

- **Answers fully right**: every answer is given once whole and once cut at random bytes, a stream as a stream. It is right if
  every fact is right both times. An exception counts as wrong.
- **Errors in their class**: of exchanges with an error, those whose exception stands for the class of that error. Where a
  package has one class for several of ours (`RateLimitError` for a rate limit and a used-up quota), it counts for all of them.
- **Cut streams given out**: each stream is ended early twice at a random byte, once in good order and once by a closed
  connection. What is given out without an error, although it is not the whole answer, is counted: less is better.

What counts as right for others, though it is not the recorded fact: other blanks around the text, thoughts in tags that are
taken out of it, finish words of the provider's own. Retries are off everywhere. litellm is asked by its own prefix of a
provider where it reads as well by that, else as OpenAI. Which of the two was chosen on these very recordings, in its favour,
and so was a model's name that it streams by the Responses API. `ChatOpenAI` reads what OpenAI itself sends, as its
documentation says, and leaves other providers' fields to packages of their own: hence most of what it lacks in
`openai.chat`. Counts that a package estimates where the provider tells none are wrong here; how many answers are right
but for these stands in brackets.

{sections}
## Run it yourself

Two environments, since the packages need different versions of the same clients: `pip install litellm boto3` in one,
`pip install langchain-anthropic langchain-aws langchain-google-genai langchain-openai` in the other. Then
`python scripts/compare_readers.py --litellm PYTHON --langchain PYTHON` with the interpreter of each.
"""


def main() -> None:
    """Measure all and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--litellm", help="interpreter of an environment with litellm and boto3")
    parser.add_argument("--langchain", help="interpreter of an environment with LangChain's partner packages")
    options = parser.parse_args()
    own = {name: ours(name) for name in DIALECTS}
    found = page(own, peer("peer_litellm.py", options.litellm), peer("peer_langchain.py", options.langchain))
    PAGE.write_text(found, encoding="utf-8")
    print(found)


if __name__ == "__main__":
    main()
