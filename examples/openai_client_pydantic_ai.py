"""A pydantic-ai agent with a tool and a typed answer, every step by the router's choice. Needs pydantic-ai."""

from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from routed_llm import Router


class Report(BaseModel):
    """The weather somewhere."""

    city: str
    degrees: int


# the list is the order of preference; sandbox-small cannot call tools and is passed over
router = Router(["sandbox:sandbox-small", "sandbox:sandbox-medium", "sandbox:sandbox-large"])
model = OpenAIChatModel("auto", provider=OpenAIProvider(openai_client=router.async_openai()))
agent = Agent(model, output_type=Report)


@agent.tool_plain
def weather(city: str) -> str:
    """The weather in a city."""
    return f"In {city} it is sunny at 21 degrees."


with router.track() as spend:
    result = agent.run_sync(
        "What is the weather in Paris?",
        model_settings={"extra_body": {"routing": {"user": "u-1"}}},  # hints of every call of this run
    )

print("typed:", repr(result.output))
print(f"calls: {spend.calls} by {', '.join(spend.by_model)}, {spend.total_nanousd} nano-dollars")
print("for user u-1:", spend.by_user["u-1"].calls, "calls")
