"""One call in each of the four modes."""

import asyncio

from langchain_core.messages import HumanMessage

__all__ = ["MODES", "QUESTION", "add_up", "ask", "asked"]

MODES = ["invoke", "ainvoke", "stream", "astream"]
QUESTION = [HumanMessage("What is 17 + 25?")]


def ask(model, mode, messages=None, **kwargs):
    """One call in a mode; streams are added up."""
    messages = messages or QUESTION
    if mode == "invoke":
        return model.invoke(messages, **kwargs)
    if mode == "ainvoke":
        return asyncio.run(model.ainvoke(messages, **kwargs))
    if mode == "stream":
        return add_up(list(model.stream(messages, **kwargs)))

    async def collect():
        return [chunk async for chunk in model.astream(messages, **kwargs)]

    return add_up(asyncio.run(collect()))


def add_up(chunks):
    total = chunks[0]
    for chunk in chunks[1:]:
        total = total + chunk
    return total


def asked(server):
    """Models that the server was asked for, in order."""
    return [arrival.body["model"] for arrival in server.sandbox.requests]
