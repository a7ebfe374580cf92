"""Typed answers by instructor, from whichever model the router chooses. Needs instructor."""

import instructor
from pydantic import BaseModel

from routed_llm import Router


class Person(BaseModel):
    """A person."""

    name: str
    age: int


# the list is the order of preference; sandbox-small cannot call tools and is passed over
router = Router(["sandbox:sandbox-small", "sandbox:sandbox-medium", "sandbox:sandbox-large"])
client = instructor.from_openai(router.openai())

with router.track() as spend:
    person, answer = client.create_with_completion(
        model="auto",
        messages=[{"role": "user", "content": "Extract the person: Ada Lovelace is 36 years old."}],
        response_model=Person,
        extra_body={"routing": {"user": "u-1"}},
    )

print(f"typed: Person(name={person.name!r}, age={person.age})")
print(f"calls: {spend.calls} by {answer.routing['model']}, {spend.total_nanousd} nano-dollars")
