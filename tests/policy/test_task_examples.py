"""Tasks of the user's own by examples: how well they are told apart, and what comes of an embedder that fails."""

import asyncio
import logging
import pickle
import time
from statistics import mean

import intents
import numpy as np
import pytest
from langchain_core.embeddings import Embeddings
from langchain_core.messages import HumanMessage
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler

from routed_llm import Policy, Router
from routed_llm.abilities import TASKS as ALL_TASKS
from routed_llm.errors import ConfigurationError
from routed_llm.hints import Hints
from routed_llm.langchain.view import MessagesView
from routed_llm.policy.features.examples import Examples, Task
from routed_llm.prompt.ngrams import BITS, buckets, hashes
from routed_llm.requests import Request

#: the names of the built-in feature, which answers where none of the user's own tasks fits
BUILT_IN_TASKS = frozenset(ALL_TASKS)
needs_data = pytest.mark.skipif(not intents.FILE.is_file(), reason="the intents of CLINC150 are not on this machine")

TASKS = [
    Task("refund", ["I want my money back", "please refund my order", "can I get a refund for this"]),
    Task("shipping", ["where is my parcel", "when will my order arrive", "track my package"]),
    Task("cancel", ["cancel my subscription", "I want to stop my plan", "end my membership"]),
]


class ReadsTask:
    """A scorer that reads a fact."""

    name, unit, lower_is_better = "reads", "points", True

    def __init__(self, *reads):
        self.reads = reads

    def values(self, ask, candidates, live):
        return [0.0 for _ in candidates]


def router(feature, **settings):
    return Router("sandbox", Policy("mine", scorers={ReadsTask(*feature.gives): 1.0}), features=[feature], **settings)


def request(text, **hints):
    messages = [HumanMessage(text)]
    hub = [{"role": "user", "content": text}]
    return Request("langchain", messages, MessagesView(messages), lambda payload, losses: hub, hints=Hints.of(hints))


def facts(router, text, **hints):
    """What is found out of a call that is really made: embedders are not asked for any other."""
    return dict(router.complete(request(text, **hints)).record.decision.ask.facts)


# n-grams ---------------------------------------------------------------------------------------------------------------


def test_buckets_are_the_same_everywhere_and_of_unit_length():
    numbers, values = buckets("Where is my   PARCEL?")
    assert numbers.tolist() == sorted(set(numbers.tolist()))
    assert numbers.max() < 1 << BITS
    assert float(values @ values) == pytest.approx(1.0, abs=1e-5)
    same, _ = buckets("where is my parcel?")
    assert same.tolist() == numbers.tolist()
    # a fixed number: whoever stores weights depends on it
    assert buckets("hello", characters=0)[0].tolist() == [22238]


def test_an_ngram_has_one_bucket_wherever_it_stands():
    alone = set(buckets("parcel", characters=0)[0].tolist())
    assert alone <= set(buckets("my parcel, please", characters=0)[0].tolist())
    assert not set(buckets("is my", words=2, characters=0)[0].tolist()) >= set(buckets("my is", characters=0)[0].tolist())


@pytest.mark.parametrize("text", ["", " \n\t", "\ud800", "a" * 100_000, "\u0130" * 5_000, "中文字符", "!", "🙂 🙂", "\x00"])
def test_any_text_has_buckets(text):
    for numbers, values in (buckets(text), buckets(text, words=1, apart=8, characters=3)):
        assert numbers.size == values.size
        assert np.isfinite(values).all()


def test_pairs_of_words_apart_have_one_bucket_in_either_order_and_by_the_beginnings_of_the_words():
    def pairs(text):
        plain = set(hashes(text, words=1, characters=0).tolist())
        return set(hashes(text, words=1, apart=3, characters=0).tolist()) - plain

    assert len(pairs("refund my order")) == 3
    assert pairs("refund my order") == pairs("orders: my refunding")
    assert not pairs("cat dog") & pairs("cog dat")
    # from "refund" it is three words to "order", and four to "please"
    assert pairs("refund order") <= pairs("refund me the order please")
    assert not pairs("refund please") <= pairs("refund me the order please")
    assert not pairs("refund")


def test_repeating_a_word_changes_little():
    once = dict(zip(*(each.tolist() for each in buckets("prove it", characters=0)), strict=True))
    often = dict(zip(*(each.tolist() for each in buckets("prove it " + "prove " * 500, characters=0)), strict=True))
    assert max(often.values()) < 0.95
    assert set(once) < set(often)
    assert len(set(buckets("prove it " + "prove " * 500, presence=True)[1].tolist())) == 1


# how right -------------------------------------------------------------------------------------------------------------


@needs_data
@pytest.mark.parametrize(("count", "accuracy", "auroc"), [(5, 0.75, 0.89), (15, 0.835, 0.93)])
def test_a_few_examples_tell_150_intents_apart(count, accuracy, auroc):
    measured = [intents.measure(count, seed) for seed in (1, 2)]
    assert mean(m.accuracy for m in measured) >= accuracy
    assert mean(m.auroc for m in measured) >= auroc
    # the share that was asked for, and half of what belongs nowhere
    assert mean(m.unknown_own for m in measured) == pytest.approx(0.05, abs=0.03)
    assert mean(m.unknown_others for m in measured) >= 0.35


@needs_data
def test_a_hundred_examples_tell_150_intents_apart():
    measured = intents.measure(100, None)
    assert measured.accuracy >= 0.91
    assert measured.auroc >= 0.955
    assert measured.seconds < 15


@needs_data
@pytest.mark.parametrize(("count", "accuracy", "auroc"), [(5, 0.695, 0.88), (15, 0.805, 0.92)])
def test_examples_that_are_much_alike_teach_less(count, accuracy, auroc):
    """The first ones of each intent in the file are variations of one another."""
    measured = intents.measure(count, None)
    assert measured.accuracy >= accuracy
    assert measured.auroc >= auroc


@needs_data
@pytest.mark.parametrize(("count", "accuracy", "auroc"), [(5, 0.72, 0.88), (15, 0.83, 0.93)])
def test_names_that_tell_nothing_cost_little(count, accuracy, auroc):
    measured = [intents.measure(count, seed, named=False) for seed in (1, 2)]
    assert mean(m.accuracy for m in measured) >= accuracy
    assert mean(m.auroc for m in measured) >= auroc


# facts -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("give me my money back now", "refund"),
        ("has my package been sent?", "shipping"),
        ("please end my plan", "cancel"),
        ("what is the capital of France?", None),
        ("Write a Python function", None),
        ("!!!", None),
    ],
)
def test_tasks_are_recognised_and_others_are_left_to_the_built_in_feature(text, task):
    told = facts(router(Examples(TASKS)), text)
    assert told["task"] == task if task else told["task"] in BUILT_IN_TASKS
    assert 0 <= told["task_confidence"] <= 1


def test_the_callers_word_wins_and_the_fact_has_the_name_that_was_asked_for():
    assert facts(router(Examples(TASKS)), "please refund it", task="chat")["task"] == "chat"
    told = facts(router(Examples(TASKS, fact="domain")), "please refund it")
    assert told["domain"] == "refund"
    assert "task" not in told


def test_descriptions_alone_and_a_single_task():
    bare = Examples([Task("legal", description="contracts, courts, lawyers"), Task("medical", description="doctors, medicine")])
    assert bare.found("is this contract legal, says the lawyer?")["task"] == "legal"
    one = Examples(TASKS[:1])
    assert one.found("refund my order")["task"] == "refund"
    assert one.found("how tall is that mountain") == {}


def test_plain_data_and_pickles():
    data = [{"name": "refund", "examples": ["money back"]}, {"name": "cancel", "examples": ["stop it"]}]
    made = Examples(tasks=data, unknown=0.1)
    assert made.tasks[0] == Task("refund", ["money back"])
    again = pickle.loads(pickle.dumps(made))
    assert again.found("money back") == made.found("money back")
    with pytest.raises(ConfigurationError, match="not pickled"):
        pickle.dumps(Examples(TASKS, embeddings=Meaning()))


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: Examples([]), "at least one"),
        (lambda: Examples([TASKS[0], TASKS[0]]), "twice"),
        (lambda: Examples(TASKS, unknown=1.5), "unknown"),
        (lambda: Examples(TASKS, seconds=0), "seconds"),
        (lambda: Examples(TASKS, fact=""), "fact"),
        (lambda: Examples(["refund"]), r"tasks\[0\]"),
        (lambda: Examples([{"name": "a", "example": []}]), r"tasks\[0\]"),
        (lambda: Task("", []), "name"),
        (lambda: Task("a", "one text"), "examples"),
        (lambda: router(Examples(TASKS, embeddings=object())), "makes no embeddings"),
    ],
)
def test_what_cannot_be_meant_is_refused(make, what):
    with pytest.raises(ConfigurationError, match=what):
        make()


# embeddings ------------------------------------------------------------------------------------------------------------

MEANINGS = {
    "money": 0,
    "refund": 0,
    "reimburse": 0,
    "parcel": 1,
    "order": 1,
    "package": 1,
    "box": 1,
    "plan": 2,
    "end": 2,
    "cancel": 2,
}


def vector(text):
    found = [0.1, 0.1, 0.1, 0.1]
    for word, axis in MEANINGS.items():
        found[axis] += word in text.lower()
    found[3] += not any(word in text.lower() for word in MEANINGS)
    return found


class Meaning(Embeddings):
    """Knows synonyms."""

    def __init__(self, wait=0.0, broken=False):
        self.wait, self.broken, self.asked = wait, broken, []

    def embed_documents(self, texts):
        self.asked.append(len(texts))
        time.sleep(self.wait)
        if self.broken:
            raise RuntimeError("down")
        return [vector(text) for text in texts]

    def embed_query(self, text):
        return self.embed_documents([text])[0]


class Indexed(BaseEmbedding):
    """The same for LlamaIndex."""

    def _get_text_embedding(self, text):
        return vector(text)

    def _get_query_embedding(self, query):
        return vector(query)

    async def _aget_query_embedding(self, query):
        return vector(query)


def both(chosen, text, **hints):
    """Facts in sync and in async code."""
    completed = asyncio.run(chosen.acomplete(request(text, **hints)))
    told = facts(chosen, text, **hints)
    assert told == dict(completed.record.decision.ask.facts)
    return told


@pytest.mark.parametrize("make", [Meaning, Indexed])
def test_embeddings_tell_by_meaning(make):
    assert facts(router(Examples(TASKS)), "reimburse me")["task"] in BUILT_IN_TASKS
    assert both(router(Examples(TASKS, embeddings=make())), "reimburse me")["task"] == "refund"


def test_embeddings_know_what_belongs_nowhere():
    assert both(router(Examples(TASKS, embeddings=Meaning(), unknown=0.3)), "how tall is it?")["task"] in BUILT_IN_TASKS


def test_a_failing_embedder_costs_a_warning_and_nothing_else(caplog):
    broken = Meaning(broken=True)
    chosen = router(Examples(TASKS, embeddings=broken))
    with caplog.at_level(logging.WARNING, "routed_llm"):
        for _ in range(3):
            assert both(chosen, "refund my order")["task"] == "refund"
    assert len([r for r in caplog.records if "embedder" in r.message]) == 1
    # it is left alone for a while
    assert len(broken.asked) == 1


def test_a_slow_embedder_is_not_waited_for():
    slow = router(Examples(TASKS, embeddings=Meaning(wait=1.0), seconds=0.1))
    begun = time.monotonic()
    assert both(slow, "refund my order")["task"] == "refund"
    assert time.monotonic() - begun < 0.6


def test_many_examples_are_embedded_over_several_calls():
    many = [Task("refund", [f"refund {n}" for n in range(200)]), Task("shipping", [f"parcel {n}" for n in range(200)])]
    steady = Meaning(wait=0.05)
    chosen = router(Examples(many, embeddings=steady, seconds=0.2))
    for _ in range(6):
        facts(chosen, "reimburse me")
    assert facts(chosen, "reimburse me")["task"] == "refund"
    # each example once; then the call's own text once
    assert sum(steady.asked) == 402 + 1


def test_a_private_call_is_not_told_to_the_embedder():
    meaning = Meaning()
    chosen = router(Examples(TASKS, embeddings=meaning))
    assert facts(chosen, "refund my order", private=True)["task"] == "refund"
    assert meaning.asked == []
    allowed = router(Examples(TASKS, embeddings=meaning, private=True))
    assert facts(allowed, "reimburse me", private=True)["task"] == "refund"


def test_the_embedder_tells_llama_indexs_events_nothing():
    seen = []

    class Noting(BaseEventHandler):
        def handle(self, event, **kwargs):
            seen.append(type(event).__name__)

    noting = Noting()
    root = get_dispatcher()
    root.add_event_handler(noting)
    try:
        both(router(Examples(TASKS, embeddings=Indexed())), "reimburse me")
        assert not [name for name in seen if "Embedding" in name]
    finally:
        root.event_handlers.remove(noting)
