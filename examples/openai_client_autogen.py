"""An AutoGen agent with a tool and a typed answer, every step by the router's choice. Needs AutoGen."""

import asyncio
import warnings

from autogen_agentchat.agents import AssistantAgent
from autogen_core.models import ModelInfo
from autogen_core.tools import FunctionTool
from autogen_ext.models.openai import BaseOpenAIChatCompletionClient
from pydantic import BaseModel

from routed_llm import Router

warnings.filterwarnings("ignore", "Resolved model mismatch")  # "auto" is never who answers


class Report(BaseModel):
    """The weather somewhere."""

    city: str
    degrees: int


async def weather(city: str) -> str:
    """The weather in a city."""
    return f"In {city} it is sunny at 21 degrees."


async def main() -> None:
    # the list is the order of preference; sandbox-small cannot call tools and is passed over
    router = Router(["sandbox:sandbox-small", "sandbox:sandbox-medium", "sandbox:sandbox-large"])
    model = BaseOpenAIChatCompletionClient(
        client=router.async_openai(),
        create_args={"model": "auto", "extra_body": {"routing": {"user": "u-1"}}},
        model_info=ModelInfo(vision=False, function_calling=True, json_output=True, structured_output=True, family="unknown"),
    )
    tool = FunctionTool(weather, description="The weather in a city.", strict=True)
    agent = AssistantAgent("reporter", model_client=model, tools=[tool], reflect_on_tool_use=True, output_content_type=Report)
    with router.track() as spend:
        result = await agent.run(task="What is the weather in Paris?")
    print("typed:", repr(result.messages[-1].content))
    print(f"calls: {spend.calls} by {', '.join(spend.by_model)}, {spend.total_nanousd} nano-dollars")


asyncio.run(main())
