"""Typed answers: one schema, whichever model answers.

A model that can give typed answers natively does so; one that can only call tools is made to by a forced tool call. Models
that can do neither are not tried.
"""

from pydantic import BaseModel

from routed_llm import RoutedChatModel


class Person(BaseModel):
    """A person."""

    name: str
    age: int


TEXT = "Extract the person: Ada Lovelace is 36 years old."

model = RoutedChatModel("sandbox", strategy="cheapest")

# a pydantic class in, an instance out
person = model.with_structured_output(Person).invoke(TEXT)
print("typed:", repr(person))

# by tool calling instead, as a plain dict
as_dict = model.with_structured_output(Person.model_json_schema(), method="function_calling").invoke(TEXT)
print("dict:", as_dict)

# with the message beside it: who answered, and what it cost
both = model.with_structured_output(Person, include_raw=True).invoke(TEXT)
print("parsed:", repr(both["parsed"]))
print("answered by:", both["raw"].response_metadata["routing"]["model"])

# why the very cheapest did not: the decision says it, without calling anything
decision = model.explain(TEXT, response_format=Person)
print(decision)
