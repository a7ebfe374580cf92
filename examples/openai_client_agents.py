"""An agent of OpenAI's Agents SDK with a tool and a typed answer, every step by the router's choice. Needs openai-agents."""

from agents import Agent, ModelSettings, OpenAIResponsesModel, Runner, function_tool, set_tracing_disabled
from pydantic import BaseModel

from routed_llm import Router


class Report(BaseModel):
    """The weather somewhere."""

    city: str
    degrees: int


@function_tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"In {city} it is sunny at 21 degrees."


set_tracing_disabled(True)  # else the SDK sends traces to OpenAI

# the list is the order of preference; sandbox-small cannot call tools and is passed over
router = Router(["sandbox:sandbox-small", "sandbox:sandbox-medium", "sandbox:sandbox-large"])

agent = Agent(
    "reporter",
    model=OpenAIResponsesModel("auto", router.async_openai()),  # or OpenAIChatCompletionsModel
    model_settings=ModelSettings(extra_body={"routing": {"user": "u-1"}}),  # hints of every call of this agent
    tools=[weather],
    output_type=Report,
)

with router.track() as spend:
    result = Runner.run_sync(agent, "What is the weather in Paris?")

print("typed:", repr(result.final_output))
print(f"calls: {spend.calls} by {', '.join(spend.by_model)}, {spend.total_nanousd} nano-dollars")
print("for user u-1:", spend.by_user["u-1"].calls, "calls")
