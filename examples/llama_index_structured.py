"""Typed answers in LlamaIndex: one class, whichever model answers; whole, streamed, and as an LLM of its own."""

from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from pydantic import BaseModel

from routed_llm import RoutedLLM


class Person(BaseModel):
    """A person."""

    name: str
    age: int


llm = RoutedLLM("sandbox", strategy="cheapest")
prompt = PromptTemplate("Extract the person: {text}")
TEXT = "Ada Lovelace is 36 years old."

person = llm.structured_predict(Person, prompt, text=TEXT)
print("typed:", repr(person))

# partial objects while the answer comes in
partial = list(llm.stream_structured_predict(Person, prompt, text=TEXT))
print("streamed:", repr(partial[-1]))

# an LLM whose answers are objects, for engines and chains
extractor = llm.as_structured_llm(Person)
answer = extractor.chat([ChatMessage(role="user", content=f"Extract the person: {TEXT}")])
print("as an LLM:", repr(answer.raw))

# the very cheapest can neither give typed answers nor call tools, so it was not asked
record = llm.router.records(1)[0]
print("answered by:", record.answered_by.model)
print("passed over:", record.decision.rejected)
