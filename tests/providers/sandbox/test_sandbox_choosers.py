"""Selectors, rankings, keyword and tree indexes, and sub-questions: the choice is computed, in each form that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from corpora import Corpus, WordEmbedding
from llama_index.core import VectorStoreIndex
from llama_index.core.indices import DocumentSummaryIndex, KeywordTableIndex, TreeIndex
from llama_index.core.postprocessor import LLMRerank, StructuredLLMRerank
from llama_index.core.postprocessor.rankGPT_rerank import RankGPTRerank
from llama_index.core.query_engine import RouterQueryEngine, SubQuestionQueryEngine
from llama_index.core.question_gen import LLMQuestionGenerator
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
from llama_index.core.selectors import LLMMultiSelector, LLMSingleSelector, PydanticMultiSelector, PydanticSingleSelector
from llama_index.core.tools import QueryEngineTool, ToolMetadata
from plain_llm import PlainLLM

from routed_llm.providers.sandbox import SandboxModel
from routed_llm.providers.sandbox.models import ABILITIES
from routed_llm.testing import Sandbox, SandboxServer

SELECTORS = [LLMSingleSelector, LLMMultiSelector, PydanticSingleSelector, PydanticMultiSelector]


@pytest.fixture(scope="module")
def llm() -> Iterator[PlainLLM]:
    models = [SandboxModel(name, abilities=ABILITIES, skill=skill) for name, skill in (("perfect", 1.0), ("weak", 0.6))]
    with SandboxServer(Sandbox(models, speed=0)) as started:
        yield PlainLLM(started, "perfect")


def tools_of(corpus: Corpus, llm: PlainLLM) -> list[QueryEngineTool]:
    """A tool for each firm."""
    engines = [
        VectorStoreIndex.from_documents([one], embed_model=WordEmbedding()).as_query_engine(llm=llm) for one in corpus.documents
    ]
    return [
        QueryEngineTool(
            query_engine=engine,
            metadata=ToolMetadata(
                name=firm.name.lower().replace(" ", "_"), description=f"Facts about {firm.name}, a maker of {firm.goods}."
            ),
        )
        for engine, firm in zip(engines, corpus.firms, strict=True)
    ]


def share(engine: Any, corpus: Corpus) -> float:
    return sum(asked.check(engine.query(asked.question)) for asked in corpus.questions) / len(corpus.questions)


@pytest.mark.parametrize("selector", SELECTORS)
@pytest.mark.parametrize("seed", [4, 90_125])
def test_routers_find_the_engine_that_knows(llm: PlainLLM, selector: Any, seed: int) -> None:
    corpus = Corpus(seed)
    router = RouterQueryEngine.from_defaults(tools_of(corpus, llm), llm=llm, selector=selector.from_defaults(llm=llm))
    assert share(router, corpus) == 1.0


@pytest.mark.parametrize("selector", SELECTORS)
def test_a_wish_for_a_summary_and_one_for_a_fact_go_different_ways(llm: PlainLLM, selector: Any) -> None:
    choices = ["Useful for summarization questions about firms.", "Useful for retrieving specific context about firms."]
    chooser = selector.from_defaults(llm=llm)
    for firm in Corpus(12).firms:
        assert chooser.select([*map(_meant, choices)], f"Give me a summary of {firm.name}.").inds == [0]
        assert chooser.select([*map(_meant, choices)], f"How many employees does {firm.name} have?").inds == [1]


def _meant(description: str) -> ToolMetadata:
    return ToolMetadata(name="engine", description=description)


def test_several_choices_where_several_are_needed(llm: PlainLLM) -> None:
    corpus = Corpus(31)
    one, other = corpus.firms[0], corpus.firms[2]
    metadata = [tool.metadata for tool in tools_of(corpus, llm)]
    for selector in (LLMMultiSelector, PydanticMultiSelector):
        chosen = selector.from_defaults(llm=llm).select(metadata, f"Who are the founders of {one.name} and {other.name}?")
        assert sorted(chosen.inds) == [0, 2]


@pytest.mark.parametrize("kind", ["tree", "keywords", "summaries"])
@pytest.mark.parametrize("seed", [6, 77_777])
def test_indexes_that_a_model_builds_find_again(llm: PlainLLM, kind: str, seed: int) -> None:
    corpus = Corpus(seed)
    documents: Any = corpus.documents
    index: Any
    if kind == "tree":
        index = TreeIndex.from_documents(documents, llm=llm, num_children=2)
    elif kind == "keywords":
        index = KeywordTableIndex.from_documents(documents, llm=llm)
    else:
        synthesizer = get_response_synthesizer(llm=llm, response_mode=ResponseMode.TREE_SUMMARIZE)
        index = DocumentSummaryIndex.from_documents(
            documents, llm=llm, embed_model=WordEmbedding(), response_synthesizer=synthesizer
        )
    more = {"retriever_mode": "llm"} if kind == "summaries" else {}
    assert share(index.as_query_engine(llm=llm, **more), corpus) == 1.0


@pytest.mark.parametrize("rerank", [LLMRerank, StructuredLLMRerank, RankGPTRerank])
def test_rankings_put_the_right_document_first(llm: PlainLLM, rerank: Any) -> None:
    corpus = Corpus(55)
    index = VectorStoreIndex.from_documents(corpus.documents, embed_model=WordEmbedding())
    engine = index.as_query_engine(llm=llm, similarity_top_k=4, node_postprocessors=[rerank(llm=llm, top_n=1)])
    assert share(engine, corpus) == 1.0


@pytest.mark.parametrize("seed", [2, 31_337])
def test_questions_are_split_among_the_tools_that_can_answer(llm: PlainLLM, seed: int) -> None:
    corpus = Corpus(seed)
    one, other = corpus.firms[1], corpus.firms[3]
    generator = LLMQuestionGenerator.from_defaults(llm=llm)
    engine = SubQuestionQueryEngine.from_defaults(
        tools_of(corpus, llm), llm=llm, question_gen=generator, verbose=False, use_async=False
    )
    for question, wanted in (
        (f"Compare the number of employees of {one.name} and {other.name}.", (str(one.staff), str(other.staff))),
        (f"Who founded {one.name} and where is {other.name}?", (one.founder, other.town)),
    ):
        found = engine.query(question)
        assert [part for part in wanted if part not in str(found)] == []
        parts = [node.text for node in found.source_nodes if node.text.startswith("Sub question")]
        assert len(parts) == 2
        assert [other.name in parts[0], one.name in parts[1]] == [False, False]


def test_a_weak_model_chooses_worse(llm: PlainLLM) -> None:
    corpus = Corpus(14, 8)
    metadata = [tool.metadata for tool in tools_of(corpus, llm)]

    def right(model: str) -> float:
        chooser = LLMSingleSelector.from_defaults(llm=PlainLLM(llm.server, model))
        firms = [firm for firm in corpus.firms for _ in firm.questions()]
        found = [chooser.select(metadata, asked.question).ind for asked in corpus.questions]
        return sum(corpus.firms[at] is firm for at, firm in zip(found, firms, strict=True)) / len(firms)

    assert right("weak") < 0.6
    assert right("perfect") == 1.0
