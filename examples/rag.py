"""Retrieval: documents in a vector store, the best of them in the prompt, the cheapest fitting model for the answer."""

import hashlib
import math
import re

from langchain_core.embeddings import Embeddings
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough
from langchain_core.vectorstores import InMemoryVectorStore

from routed_llm import RoutedChatModel


class WordEmbeddings(Embeddings):
    """Counts words in hashed places: small and the same everywhere. Real programs take a real embedding model."""

    def embed_query(self, text: str) -> list[float]:
        vector = [0.0] * 256
        for word in set(re.findall(r"[a-z]{4,}", text.lower())):
            vector[int(hashlib.sha256(word.encode()).hexdigest(), 16) % 256] += 1.0
        length = math.sqrt(sum(value * value for value in vector)) or 1.0
        return [value / length for value in vector]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]


store = InMemoryVectorStore(WordEmbeddings())
store.add_texts(
    [
        "The lighthouse of Vardo was built in 1896. It has 214 steps.",
        "The bakery opens at seven. Its speciality is rye bread.",
        "The harbour ferry leaves every forty minutes from the northern pier.",
    ]
)
retriever = store.as_retriever(search_kwargs={"k": 1})
prompt = ChatPromptTemplate.from_template("Context:\n{context}\n\nQuestion: {question}")
model = RoutedChatModel("sandbox", strategy="cheapest")

sources = retriever | (lambda documents: "\n".join(document.page_content for document in documents))
chain = {"context": sources, "question": RunnablePassthrough()} | prompt | model | StrOutputParser()

for question in ("When was the lighthouse built?", "From where does the ferry leave?"):
    print(f"{question} -> {chain.invoke(question)}")

# the whole chain may be told for whom it works; the hint arrives at the model
chain.invoke("When does the bakery open?", {"configurable": {"routing": {"user": "reader-1"}}})
print("asked for:", model.router.records(1)[0].decision.ask.hints.user)
