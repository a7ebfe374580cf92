"""A smolagents agent whose first provider is down: each step is answered by the next one. Needs smolagents.

The providers are played on this machine: one fails always, the other calls the tool and then ends with what it gave.
"""

from smolagents import OpenAIModel, ToolCallingAgent, tool

from routed_llm import Router
from routed_llm.testing.faults import FaultyProvider, Healthy

WEATHER = "In Paris it is sunny at 21 degrees."


@tool
def weather(city: str) -> str:
    """The weather in a city.

    Args:
        city: its name
    """
    return WEATHER


def play(body):
    """What a model would say: a call of the tool, and when its result is there, the end."""
    seen = WEATHER in str(body["messages"][2:])
    return Healthy(None, [("final_answer", {"answer": WEATHER}) if seen else ("weather", {"city": "Paris"})])


with FaultyProvider() as down, FaultyProvider(play) as up:
    down.always("unavailable_503")
    router = Router([down.model("first"), up.model("second")], quiet_fallbacks=True)
    model = OpenAIModel("auto", client=router.openai(), extra_body={"routing": {"user": "u-1"}})
    agent = ToolCallingAgent(tools=[weather], model=model, verbosity_level=0)

    with router.track() as spend:
        answer = agent.run("What is the weather in Paris?")

    print("answer:", answer)
    print("tried for the first step:", [attempt.deployment.model for attempt in router.records()[0].attempts])
    print(f"calls: {spend.calls} by {', '.join(spend.by_model)}, {spend.total_nanousd} nano-dollars")
