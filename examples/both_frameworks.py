"""One router behind both frameworks: one pool, one state of health, one sum of money."""

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from llama_index.core import Document, VectorStoreIndex

from routed_llm import RoutedChatModel, RoutedEmbedding, RoutedLLM
from routed_llm.testing import DEFAULT_MODELS, Sandbox, SandboxServer, sandbox_entries

with SandboxServer(Sandbox()) as server:
    # served over HTTP, so that a model can be made to fail
    model = RoutedChatModel(sandbox_entries(DEFAULT_MODELS[:3], server.base_url), quiet_fallbacks=True)
    llm = RoutedLLM(router=model.router)
    chain = ChatPromptTemplate.from_messages([("user", "{question}")]) | model | StrOutputParser()
    documents = [Document(text="The lighthouse of Tarvik was built in 1871.")]
    index = VectorStoreIndex.from_documents(documents, embed_model=RoutedEmbedding("sandbox:sandbox-embedding"))
    engine = index.as_query_engine(llm=llm)

    with model.router.track() as spend:
        print("LangChain:", chain.invoke({"question": "What is 17 * 23?"}))
        print("LlamaIndex:", engine.query("When was the lighthouse built?"))
    print("one sum:", spend.calls, "calls,", spend.total_nanousd == server.sandbox.ledger.total_nanousd)

    # what one door learns, the other knows: the failed model is left alone in both
    server.sandbox.fail("sandbox-small", status=503)
    chain.invoke({"question": "What is 17 * 23?"})
    engine.query("When was the lighthouse built?")
    for record in model.router.records(2):
        print("tried:", [attempt.deployment.model for attempt in record.attempts])
