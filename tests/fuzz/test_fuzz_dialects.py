"""Broken answers in every dialect: an answer or one of our errors, the same in whatever pieces they come."""

import base64
import json
import os
import random
import sys
from pathlib import Path

import pytest
from mutants import mutant, split

sys.path.insert(0, str(Path(__file__).parents[1] / "dialects"))

from conforming import plain_request
from recorded import DATA, MISSING, exchanges, payload

from routed_llm.dialects.speaking import dialect_of
from routed_llm.dialects.wire import Wire
from routed_llm.dispatch.assemble import Assembly
from routed_llm.errors import ProviderError
from routed_llm.results import Answer

recordings = pytest.mark.skipif(not DATA.is_dir(), reason=MISSING)
CASES = Path(__file__).parent / "cases"
SEED = int(os.environ.get("ROUTED_LLM_SEED", "0"))
DIALECTS = {
    "anthropic.messages": "anthropic-messages",
    "bedrock.converse": "bedrock-converse",
    "gemini.generate": "gemini-generate",
    "openai.responses": "openai-responses",
}


def outcome(read, *arguments):
    """What was read, or the class of the error, as plain values."""
    try:
        answer = read(*arguments)
    except ProviderError as error:
        return ("error", error.kind)
    assert type(answer) is Answer
    counts = [n for n in answer.usage.as_dict().values() if type(n) is int] if answer.usage is not None else []
    assert all(0 <= n < 10**12 for n in counts), answer.usage
    assert all(type(text) is str for call in answer.tool_calls for text in call)
    assert type(answer.text) is type(answer.reasoning) is str
    return (answer.text, answer.reasoning, tuple(answer.tool_calls), answer.finish, repr(answer.usage), repr(answer.extras))


def streamed(dialect, wire, pieces):
    reader, assembly = dialect.reader(plain_request(True), wire), Assembly()
    for piece in pieces:
        for event in reader.feed(piece):
            assembly.add(event)
    for event in reader.end():
        assembly.add(event)
    return assembly.answer()


def run(name, count, seed):
    dialect, rng = dialect_of(name), random.Random(seed)
    found = [(e["stream"], payload(e), Wire(e["model"] or "m", maker="it")) for e in exchanges(DIALECTS[name])]
    found = [(stream, data, wire) for stream, data, wire in found if 0 < len(data) < 60_000]
    seeds = [data for _, data, _ in found]
    for number in range(count):
        stream, data, wire = rng.choice(found)
        bad = mutant(rng, data, seeds)
        try:
            if stream:
                once = outcome(streamed, dialect, wire, [bad])
                assert outcome(streamed, dialect, wire, split(rng, bad)) == once
            else:
                outcome(dialect.answer, bad, plain_request(False), wire)
            assert isinstance(dialect.error(rng.choice((400, 429, 500)), {}, bad), ProviderError)
            dialect.room(
                {"retry-after": "x", "anthropic-ratelimit-requests-remaining": "-1", "anthropic-ratelimit-requests-reset": "?"}
            )
        except Exception as error:
            raise AssertionError(f"mutant {number} of seed {seed} of {name}: {bad[:300]!r}") from error


@recordings
@pytest.mark.parametrize("name", DIALECTS)
def test_mutated_answers_of_a_dialect(name):
    run(name, 10_000, SEED)


@recordings
@pytest.mark.long
@pytest.mark.parametrize("name", DIALECTS)
def test_many_more(name):
    run(name, 100_000, SEED + 1)


@pytest.mark.parametrize("case", sorted(CASES.glob("*/*.json")), ids=lambda path: path.stem)
def test_what_was_found_before(case):
    """Each file holds a whole answer of the dialect that its folder names, once read wrongly, in base64, and what was wrong."""
    data = base64.b64decode(json.loads(case.read_text(encoding="utf-8"))["bytes"])
    outcome(dialect_of(case.parent.name).answer, data, plain_request(False), Wire("m", maker="it"))
