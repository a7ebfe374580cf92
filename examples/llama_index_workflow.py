"""An ``AgentWorkflow`` of two agents on one router: a cheap one that does the sums, a strong one that writes."""

import asyncio

from llama_index.core.agent.workflow import AgentOutput, AgentWorkflow, FunctionAgent

from routed_llm import RoutedLLM


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


def weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"In {city} it is sunny at 21 degrees."


llm = RoutedLLM("sandbox", strategy="cheapest")
# the same router, state and sum of money; this one prefers the strong model
careful = llm.with_routing(prefer="sandbox:sandbox-large")

reporter = FunctionAgent(
    name="reporter", description="Reports the weather in cities.", tools=[weather], llm=llm, can_handoff_to=["reckoner"]
)
reckoner = FunctionAgent(
    name="reckoner", description="Multiplies numbers.", tools=[multiply], llm=careful, can_handoff_to=["reporter"]
)
workflow = AgentWorkflow(agents=[reporter, reckoner], root_agent="reporter")


async def main() -> None:
    with llm.routing(session="s-7"), llm.router.track() as spend:
        run = workflow.run("Please multiply the numbers 6 and 7.")
        async for event in run.stream_events():
            if isinstance(event, AgentOutput):
                print(f"{event.current_agent_name}: {[call.tool_name for call in event.tool_calls] or event.response.content}")
        await run
    for name, sums in spend.by_model.items():
        print(f"{name}: {sums.calls} calls")
    print("session of every call:", {record.decision.ask.hints.session for record in llm.router.records()})


asyncio.run(main())
