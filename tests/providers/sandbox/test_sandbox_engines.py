"""Query and chat engines over corpora that nobody wrote down are served by solvers, and skill decides how well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from corpora import Corpus, WordEmbedding
from llama_index.core import SummaryIndex, VectorStoreIndex
from llama_index.core.response_synthesizers import ResponseMode
from plain_llm import PlainLLM
from pydantic import BaseModel

from routed_llm.providers.sandbox import SandboxModel
from routed_llm.providers.sandbox.models import ABILITIES
from routed_llm.testing import Sandbox, SandboxServer

SEEDS = [3, 20_611]
MODELS = [
    SandboxModel("perfect", abilities=ABILITIES),
    SandboxModel("strong", abilities=ABILITIES, skill=0.99),
    SandboxModel("weak", abilities=ABILITIES, skill=0.6),
]


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox(MODELS, speed=0)) as started:
        yield started


def index_of(corpus: Corpus) -> VectorStoreIndex:
    return VectorStoreIndex.from_documents(corpus.documents, embed_model=WordEmbedding())


def share(engine: Any, corpus: Corpus) -> float:
    """Share of the corpus's questions that an engine answers rightly."""
    return sum(asked.check(engine.query(asked.question)) for asked in corpus.questions) / len(corpus.questions)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "mode", ["compact", "refine", "tree_summarize", "simple_summarize", "accumulate", "compact_accumulate"]
)
def test_every_way_to_synthesize_answers(server: SandboxServer, seed: int, mode: str) -> None:
    corpus = Corpus(seed)
    engine = index_of(corpus).as_query_engine(llm=PlainLLM(server, "perfect"), response_mode=ResponseMode(mode))
    assert share(engine, corpus) == 1.0


@pytest.mark.parametrize("mode", ["refine", "tree_summarize"])
def test_answers_are_kept_and_found_through_many_chunks(server: SandboxServer, mode: str) -> None:
    corpus = Corpus(77, 6)
    index = SummaryIndex.from_documents(corpus.documents)
    assert share(index.as_query_engine(llm=PlainLLM(server, "perfect"), response_mode=ResponseMode(mode)), corpus) == 1.0


@pytest.mark.parametrize("seed", SEEDS)
def test_several_things_are_answered_in_one(server: SandboxServer, seed: int) -> None:
    corpus = Corpus(seed)
    one, other = corpus.firms[:2]
    engine = SummaryIndex.from_documents(corpus.documents).as_query_engine(llm=PlainLLM(server, "perfect"))
    said = str(engine.query(f"Who founded {one.name} and when was {other.name} founded?"))
    assert one.founder in said
    assert str(other.year) in said
    said = str(engine.query(f"Compare the number of employees of {one.name} and {other.name}."))
    assert str(one.staff) in said
    assert str(other.staff) in said


def test_what_the_context_does_not_say_is_not_known(server: SandboxServer) -> None:
    engine = index_of(Corpus(5)).as_query_engine(llm=PlainLLM(server, "perfect"))
    assert "not know" in str(engine.query("Who founded Xyzzyx Mills?"))
    assert "not know" in str(engine.query("How deep is the lake?"))


def test_summaries_are_shorter_and_of_the_text_itself(server: SandboxServer) -> None:
    corpus = Corpus(8)
    engine = SummaryIndex.from_documents(corpus.documents).as_query_engine(
        llm=PlainLLM(server, "perfect"), response_mode=ResponseMode.TREE_SUMMARIZE
    )
    said = str(engine.query("Give me a summary of the documents."))
    told = "\n".join(firm.text for firm in corpus.firms)
    assert 0 < len(said) < len(told) / 2
    assert all(sentence.strip(" .") in told for sentence in said.split(". "))


class Told(BaseModel):
    """What is told of a firm."""

    name: str
    town: str
    founder: str
    year: int
    employees: int


def test_answers_are_typed_where_a_class_is_given(server: SandboxServer) -> None:
    corpus = Corpus(9)
    firm = corpus.firms[0]
    engine = index_of(corpus).as_query_engine(llm=PlainLLM(server, "perfect"), output_cls=Told, similarity_top_k=1)
    found: Any = engine.query(f"In which town is {firm.name}, who founded it in which year, and how many employees has it?")
    assert found.response == Told(name=firm.name, town=firm.town, founder=firm.founder, year=firm.year, employees=firm.staff)
    filtering = index_of(corpus).as_query_engine(
        llm=PlainLLM(server, "perfect"), response_mode=ResponseMode.REFINE, structured_answer_filtering=True
    )
    assert share(filtering, corpus) == 1.0


@pytest.mark.parametrize("mode", ["context", "condense_plus_context", "condense_question"])
@pytest.mark.parametrize("seed", SEEDS)
def test_chat_engines_understand_what_follow_up_questions_point_at(server: SandboxServer, seed: int, mode: str) -> None:
    corpus = Corpus(seed)
    one, other = corpus.firms[:2]
    chat: Any = index_of(corpus).as_chat_engine(chat_mode=mode, llm=PlainLLM(server, "perfect"), similarity_top_k=4)
    assert one.founder in str(chat.chat(f"Who founded {one.name}?"))
    assert str(one.year) in str(chat.chat("When was it founded?"))
    assert str(other.year) in str(chat.chat(f"And what about {other.name}?"))
    assert other.town in str(chat.chat("Where is it located?"))


def test_a_weak_model_errs_more_than_a_strong_one(server: SandboxServer) -> None:
    rights = []
    for model in ("weak", "strong", "perfect"):
        shares = []
        for seed in range(40, 44):
            corpus = Corpus(seed)
            engine = SummaryIndex.from_documents(corpus.documents).as_query_engine(llm=PlainLLM(server, model))
            shares.append(share(engine, corpus))
        rights.append(sum(shares) / len(shares))
    assert rights[0] < 0.75
    assert rights[0] < rights[1] <= rights[2] == 1.0
