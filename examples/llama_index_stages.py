"""The steps of a query engine on different models: keywords are extracted by a cheap one, answers come from a strong one.

The router knows the step without being told: LlamaIndex's prompts have a type, and it becomes the fact ``stage``.
"""

from llama_index.core.prompts.default_prompts import DEFAULT_QUERY_KEYWORD_EXTRACT_TEMPLATE
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from routed_llm import RoutedLLM, by_stage

policy = by_stage({"query_keyword_extraction": "sandbox:sandbox-small"}, default="sandbox:sandbox-large")
llm = RoutedLLM("sandbox", strategy=policy)

NODES = [
    TextNode(text="The lighthouse of Tarvik was built in 1871. The lighthouse has 187 steps."),
    TextNode(text="The bakery opens at seven. The speciality of the bakery is rye bread."),
]


class KeywordRetriever(BaseRetriever):
    """Finds the texts that have a keyword of the question."""

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        said = llm.predict(DEFAULT_QUERY_KEYWORD_EXTRACT_TEMPLATE, question=query_bundle.query_str, max_keywords=3)
        words = [word.strip().lower() for word in said.removeprefix("KEYWORDS:").split(",")]
        return [NodeWithScore(node=node) for node in NODES if any(word in node.text.lower() for word in words)]


engine = RetrieverQueryEngine.from_args(KeywordRetriever(), llm=llm)
print("answer:", engine.query("When was the lighthouse built?"))

for record in llm.router.records():
    print(f"{record.decision.ask.facts['stage']}: {record.answered_by.model}")
print("because:", record.decision.reason)
