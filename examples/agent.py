"""An agent with tools and a typed answer: only models that can do both are asked, the others stay for plain calls."""

from langchain.agents import create_agent
from langchain.agents.middleware import wrap_model_call
from langchain_core.tools import tool
from pydantic import BaseModel

from routed_llm import RoutedChatModel


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"In {city} it is sunny at 21 degrees."


class Report(BaseModel):
    """The weather somewhere."""

    city: str
    degrees: int


# the list is the order of preference; sandbox-small cannot call tools and is passed over
model = RoutedChatModel(["sandbox:sandbox-small", "sandbox:sandbox-medium", "sandbox:sandbox-large"])


@wrap_model_call
def for_whom(request, handler):
    """Middleware may set hints (or pin a model by ``model=``) for each call of the agent."""
    return handler(request.override(model_settings={**request.model_settings, "routing": {"user": "u-1"}}))


agent = create_agent(model, [weather], response_format=Report, middleware=[for_whom])

with model.router.track() as spend:
    result = agent.invoke({"messages": [("user", "What is the weather in Paris?")]})

for message in result["messages"]:
    print(f"{message.type}:", message.text or [call["name"] for call in message.tool_calls])
print("typed:", repr(result["structured_response"]))
print("calls:", spend.calls, "by", ", ".join(spend.by_model))
print("for user u-1:", spend.by_user["u-1"].calls, "calls")

record = model.router.records(1)[0]
print("passed over:", dict(record.decision.rejected))
