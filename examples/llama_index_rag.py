"""Retrieval with LlamaIndex: routed embeddings find documents, the cheapest fitting model answers, whole and streamed."""

from llama_index.core import Document, Settings, VectorStoreIndex

from routed_llm import RoutedEmbedding, RoutedLLM

# simulated; real ones: RoutedLLM(["openai:gpt-5.4-mini", "openai:gpt-5.4"]), RoutedEmbedding("openai:text-embedding-3-small")
llm = Settings.llm = RoutedLLM("sandbox", strategy="cheapest")
Settings.embed_model = RoutedEmbedding("sandbox:sandbox-embedding")

index = VectorStoreIndex.from_documents(
    [
        Document(text="The lighthouse of Tarvik was built in 1871. It has 187 steps."),
        Document(text="The bakery opens at seven. Its speciality is rye bread."),
        Document(text="The harbour ferry leaves every forty minutes from the northern pier."),
    ]
)

engine = index.as_query_engine(similarity_top_k=1)
for question in ("When was the lighthouse built?", "From where does the ferry leave?"):
    print(f"{question} -> {engine.query(question)}")

# streamed: a model may be asked only while the pieces are read, so hints enclose the reading too
streaming = index.as_query_engine(similarity_top_k=1, streaming=True)
with llm.routing(user="reader-1", max_cost=0.01):
    pieces = list(streaming.query("At what time does the bakery open?").response_gen)
print(f"streamed in {len(pieces)} pieces:", "".join(pieces))

record = llm.router.records(1)[0]
print("asked for:", record.decision.ask.hints.user)
print("answered by:", record.answered_by.model)
print("stage:", record.decision.ask.facts["stage"])
