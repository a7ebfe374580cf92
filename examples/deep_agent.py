"""A deep agent (planning, files, sub-agents) on a routed model.

deepagents takes its limits from the model's profile. The profile says what the pool can do: the largest window counts,
because a prompt is only sent to models that it fits.
"""

from deepagents import create_deep_agent
from langchain_core.tools import tool

from routed_llm import RoutedChatModel


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"In {city} it is sunny at 21 degrees."


model = RoutedChatModel(["sandbox:sandbox-medium", "sandbox:sandbox-large"])
print("window of the pool:", model.profile["max_input_tokens"])

agent = create_deep_agent(model, [weather], system_prompt="You tell the weather.")

with model.router.track() as spend:
    result = agent.invoke({"messages": [("user", "What is the weather in Paris?")]})

print("answer:", result["messages"][-1].text)
print("tools called:", [call["name"] for message in result["messages"] for call in getattr(message, "tool_calls", ())])
print(spend)
