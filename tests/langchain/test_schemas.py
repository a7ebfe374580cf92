"""A schema in any form, by any method, on targets that answer natively and on those that only call tools."""

from typing import TypedDict

import pytest
from pools import pool
from pydantic import BaseModel

from routed_llm.testing import Sandbox, SandboxServer

TEXT = "Extract the person: Ada Lovelace is 36 years old."


class Person(BaseModel):
    """A person."""

    name: str
    age: int


class PersonDict(TypedDict):
    """A person."""

    name: str
    age: int


FORMS = {"class": Person, "typed dict": PersonDict, "JSON schema": Person.model_json_schema()}


@pytest.fixture(scope="module")
def server():
    with SandboxServer(Sandbox(speed=0)) as running:
        yield running


@pytest.mark.parametrize("kind", ["up", "wrapped_first_down"])
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
@pytest.mark.parametrize("form", FORMS)
def test_a_schema_by_either_method(server, kind, method, form):
    typed = pool(kind, server).with_structured_output(FORMS[form], method=method)
    wanted = Person(name="Ada Lovelace", age=36)
    for answer in (typed.invoke(TEXT), list(typed.stream(TEXT))[-1]):
        assert answer == (wanted if form == "class" else wanted.model_dump())
    body = server.sandbox.requests[-1].body
    assert ("tools" in body) == (method == "function_calling")
