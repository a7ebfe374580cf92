"""What each query of an engine cost, by model and step: money and tokens in LlamaIndex's own way."""

from llama_index.core import Document, SummaryIndex

from routed_llm import RoutedLLM
from routed_llm.llama_index import track_queries

llm = RoutedLLM("sandbox", strategy="cheapest")
index = SummaryIndex.from_documents(
    [
        Document(text="The lighthouse of Tarvik was built in 1871."),
        Document(text="The bakery opens at seven. Its speciality is rye bread."),
    ]
)
engine = index.as_query_engine(llm=llm)

with track_queries() as costs, llm.router.track() as spend:
    for question in ("When was the lighthouse built?", "At what time does the bakery open?"):
        engine.query(question)

for number, sums in enumerate(costs.by_query.values(), 1):
    print(f"query {number}: {sums.calls} calls, {sums.input_tokens} tokens in, {sums.nanousd} nano-dollars")
for name, sums in costs.by_engine.items():
    print(f"engine {name}: {sums.calls} calls")
print("the same money:", costs.total_nanousd == spend.total_nanousd)
