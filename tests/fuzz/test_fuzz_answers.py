"""Broken answers: whatever bytes come, the outcome is an answer or one of our errors, the same in whatever pieces they come."""

import base64
import contextlib
import json
import os
import random
from pathlib import Path

import pytest
from mutants import HTTP, SEEDS, mutant, recorded, split

from routed_llm.dialects.errors import error_of
from routed_llm.dialects.openai_chat.reader import Reader, read_answer
from routed_llm.dispatch.assemble import Assembly
from routed_llm.errors import ProviderError
from routed_llm.providers.transport import Fault
from routed_llm.providers.transport_http1 import Answer as HttpAnswer
from routed_llm.results import Answer

FIELDS = ("reasoning_content", "reasoning")
CASES = Path(__file__).parent / "cases"
SEED = int(os.environ.get("ROUTED_LLM_SEED", "0"))
PARTS = 10
#: of the long run's parts, so many are run, others for every seed
SLICE = int(os.environ.get("ROUTED_LLM_SLICE", PARTS))


def streamed(pieces):
    """What a stream gives: an answer, or the error that it ends with, as plain values."""
    reader, assembly = Reader(reasoning_fields=FIELDS), Assembly()
    try:
        for piece in pieces:
            for event in reader.feed(piece):
                assembly.add(event)
        for event in reader.end():
            assembly.add(event)
    except ProviderError as error:
        return ("error", error.kind, "")
    return told(assembly.answer())


def whole(data):
    try:
        return told(read_answer(data, reasoning_fields=FIELDS))
    except ProviderError as error:
        return ("error", error.kind, "")


def told(answer):
    assert type(answer) is Answer
    usage = answer.usage
    if usage is not None:
        counts = [count for count in usage.as_dict().values() if type(count) is int]
        assert all(0 <= count < 10**12 for count in counts), usage
    assert type(answer.text) is str
    assert all(type(text) is str for call in answer.tool_calls for text in call)
    return (answer.text, answer.reasoning, tuple(answer.tool_calls), answer.finish, repr(usage))


def check(data, rng):
    """Everything that must hold of any bytes."""
    outcome = streamed([data])
    assert streamed(split(rng, data)) == outcome
    whole(data)
    error = error_of(rng.choice((200, 400, 429, 500, 529)), {}, data)
    assert isinstance(error, ProviderError)
    assert len(str(error)) < 3_000


def run(count, seed, seeds):
    rng = random.Random(seed)
    for number in range(count):
        data = mutant(rng, rng.choice(seeds), seeds)
        try:
            check(data, rng)
        except Exception as error:
            found = f"mutant {number} of seed {seed}: add it to tests/fuzz/cases: {base64.b64encode(data).decode()}"
            raise AssertionError(found) from error


@pytest.mark.parametrize("part", range(PARTS))
def test_mutated_answers(part):
    """100,000 in all, other ones for every seed."""
    run(100_000 // PARTS, SEED * 1_000 + part, [data for _, data in SEEDS.values()])


def test_mutated_http():
    rng = random.Random(SEED)
    for _ in range(20_000):
        answer = HttpAnswer()
        with contextlib.suppress(Fault):
            for piece in split(rng, mutant(rng, HTTP, [HTTP])):
                answer.feed(piece)
            answer.end()


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_ten_times_as_many(part):
    if (part - SEED) % PARTS >= SLICE:
        pytest.skip("in the slice of another seed")
    seeds = [data for _, data in SEEDS.values()]
    run(1_000_000 // PARTS, SEED * 1_000 + 500 + part, seeds + [data for data in recorded() if data])


def test_mutated_recordings():
    seeds = [data for data in recorded() if data]
    if not seeds:
        pytest.skip("the recorded traffic is not beside this checkout")
    run(2_000, SEED * 1_000 + 999, seeds)


@pytest.mark.parametrize("name", [name for name, (is_stream, _) in SEEDS.items() if is_stream and "error" not in name])
def test_a_stream_that_is_cut_anywhere_before_its_finish_is_no_answer(name):
    data = SEEDS[name][1]
    end = data.index(b'"finish_reason": "')
    for at in range(end):
        assert streamed([data[:at]])[0] == "error", data[:at]


@pytest.mark.parametrize("case", sorted(CASES.glob("*.json")), ids=lambda path: path.stem)
def test_what_was_found_before(case):
    """Each file holds bytes that were once read wrongly, in base64, and what was wrong."""
    data = base64.b64decode(json.loads(case.read_text(encoding="utf-8"))["bytes"])
    check(data, random.Random(1))
