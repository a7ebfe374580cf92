"""Every way a call can come into an LLM: endpoints, predictions, tools, typed answers, agents, engines, threads and tasks.

``BY_KEYWORD`` take keywords of a call, ``AROUND`` call through something that passes none on.
"""

import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor

from embedder import SmallEmbedding
from llama_index.core import Document, SummaryIndex, VectorStoreIndex
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ReActAgent
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.prompts import PromptTemplate
from llama_index.core.query_engine import SubQuestionQueryEngine
from llama_index.core.question_gen import LLMQuestionGenerator
from llama_index.core.tools import FunctionTool, QueryEngineTool
from llama_index.core.workflow import Context, Event, StartEvent, StopEvent, Workflow, step
from llm_pools import ASKED, WEATHER, Sum, question, weather

__all__ = ["AROUND", "BY_KEYWORD"]

PROMPT = PromptTemplate(ASKED)
TOOL = FunctionTool.from_defaults(weather)
DOCUMENTS = [Document(text="Paris is the capital of France."), Document(text="Rome is the capital of Italy.")]

# with keywords -----------------------------------------------------------------------------------------------------------


def chat(llm, **kw):
    llm.chat(question(), **kw)


async def achat(llm, **kw):
    await llm.achat(question(), **kw)


def stream_chat(llm, **kw):
    list(llm.stream_chat(question(), **kw))


async def astream_chat(llm, **kw):
    [piece async for piece in await llm.astream_chat(question(), **kw)]


def complete(llm, **kw):
    llm.complete(ASKED, **kw)


async def acomplete(llm, **kw):
    await llm.acomplete(ASKED, **kw)


def stream_complete(llm, **kw):
    list(llm.stream_complete(ASKED, **kw))


async def astream_complete(llm, **kw):
    [piece async for piece in await llm.astream_complete(ASKED, **kw)]


def chat_with_tools(llm, **kw):
    llm.chat_with_tools([TOOL], WEATHER, **kw)


async def achat_with_tools(llm, **kw):
    await llm.achat_with_tools([TOOL], WEATHER, **kw)


def stream_chat_with_tools(llm, **kw):
    list(llm.stream_chat_with_tools([TOOL], WEATHER, **kw))


async def astream_chat_with_tools(llm, **kw):
    [piece async for piece in await llm.astream_chat_with_tools([TOOL], WEATHER, **kw)]


def predict_and_call(llm, **kw):
    llm.predict_and_call([TOOL], WEATHER, **kw)


async def apredict_and_call(llm, **kw):
    await llm.apredict_and_call([TOOL], WEATHER, **kw)


def structured_predict(llm, **kw):
    llm.structured_predict(Sum, PROMPT, llm_kwargs=kw)


async def astructured_predict(llm, **kw):
    await llm.astructured_predict(Sum, PROMPT, llm_kwargs=kw)


def stream_structured_predict(llm, **kw):
    list(llm.stream_structured_predict(Sum, PROMPT, llm_kwargs=kw))


async def astream_structured_predict(llm, **kw):
    [part async for part in await llm.astream_structured_predict(Sum, PROMPT, llm_kwargs=kw)]


def structured_llm(llm, **kw):
    llm.as_structured_llm(Sum).chat(question(), **kw)


async def structured_llm_stream(llm, **kw):
    [part async for part in await llm.as_structured_llm(Sum).astream_chat(question(), **kw)]


# around ------------------------------------------------------------------------------------------------------------------


def predict(llm):
    llm.predict(PROMPT)


async def apredict(llm):
    await llm.apredict(PROMPT)


def stream(llm):
    list(llm.stream(PROMPT))


async def astream(llm):
    [token async for token in await llm.astream(PROMPT)]


async def function_agent(llm):
    await FunctionAgent(tools=[weather], llm=llm).run(WEATHER)


async def agent_workflow(llm):
    await AgentWorkflow.from_tools_or_functions([weather], llm=llm).run(WEATHER)


async def react_agent(llm):
    await ReActAgent(tools=[weather], llm=llm).run(WEATHER)


class Drafted(Event):
    """What one step hands to the next."""


class Flow(Workflow):
    """Steps that run as tasks, several at once, with whole answers and streams, in async code and from sync code."""

    def __init__(self, llm):
        super().__init__()
        self.llm = llm

    @step
    async def begin(self, context: Context, event: StartEvent) -> Drafted | None:
        for _ in range(2):
            await self.llm.acomplete(ASKED)
            context.send_event(Drafted())
        return None

    @step(num_workers=2)
    async def refine(self, context: Context, event: Drafted) -> StopEvent | None:
        self.llm.complete(ASKED)
        pieces = [piece async for piece in await self.llm.astream_chat(question())]
        ready = context.collect_events(event, [Drafted] * 2)
        return None if ready is None else StopEvent(result=pieces[-1].message.content)


async def workflow(llm):
    assert "5" in await Flow(llm).run()


async def workflow_that_is_awaited_elsewhere(llm):
    run = Flow(llm).run()
    await asyncio.create_task(_awaited(run), context=contextvars.Context())


async def _awaited(run):
    await run


def _index():
    return VectorStoreIndex.from_documents(DOCUMENTS, embed_model=SmallEmbedding())


def query_engine(llm):
    _index().as_query_engine(llm=llm).query("What is the capital of France?")


async def query_engine_async(llm):
    await _index().as_query_engine(llm=llm).aquery("What is the capital of France?")


def query_engine_stream(llm):
    list(_index().as_query_engine(llm=llm, streaming=True).query("What is the capital of France?").response_gen)


def tree_summarize(llm):
    SummaryIndex.from_documents(DOCUMENTS).as_query_engine(llm=llm, response_mode="tree_summarize").query("Capitals?")


def tree_summarize_in_threads(llm):
    engine = SummaryIndex.from_documents(DOCUMENTS).as_query_engine(llm=llm, response_mode="tree_summarize", use_async=True)
    engine.query("Capitals?")


def chat_engine(llm):
    SimpleChatEngine.from_defaults(llm=llm).chat(ASKED)


def chat_engine_stream(llm):
    list(SimpleChatEngine.from_defaults(llm=llm).stream_chat(ASKED).response_gen)


def context_chat_engine(llm):
    engine = _index().as_chat_engine(chat_mode="condense_plus_context", llm=llm)
    engine.chat("What is the capital of France?")
    engine.chat("And of Italy?")


def sub_questions(llm):
    tool = QueryEngineTool.from_defaults(_index().as_query_engine(llm=llm), name="capitals", description="Capitals.")
    generator = LLMQuestionGenerator.from_defaults(llm=llm)
    engine = SubQuestionQueryEngine.from_defaults([tool], llm=llm, question_gen=generator, use_async=False, verbose=False)
    engine.query("Which capitals?")


def in_a_copied_thread(llm):
    with ThreadPoolExecutor() as threads:
        threads.submit(contextvars.copy_context().run, llm.complete, ASKED).result()


async def in_a_thread_of_asyncio(llm):
    await asyncio.to_thread(llm.complete, ASKED)


async def in_tasks(llm):
    await asyncio.gather(*(asyncio.create_task(llm.acomplete(ASKED)) for _ in range(3)))


def by_a_copy(llm):
    llm.model_copy(update={"temperature": 0.5}).complete(ASKED)


def by_another_door(llm):
    type(llm)(router=llm.router).complete(ASKED)


BY_KEYWORD = (
    chat, achat, stream_chat, astream_chat, complete, acomplete, stream_complete, astream_complete, chat_with_tools,
    achat_with_tools, stream_chat_with_tools, astream_chat_with_tools, predict_and_call, apredict_and_call, structured_predict,
    astructured_predict, stream_structured_predict, astream_structured_predict, structured_llm, structured_llm_stream,
)  # fmt: skip
AROUND = (
    predict, apredict, stream, astream, workflow, workflow_that_is_awaited_elsewhere, function_agent, agent_workflow,
    react_agent, query_engine, query_engine_async, query_engine_stream, tree_summarize, tree_summarize_in_threads, chat_engine,
    chat_engine_stream, context_chat_engine, sub_questions, in_a_copied_thread, in_a_thread_of_asyncio, in_tasks, by_a_copy,
    by_another_door,
)  # fmt: skip
