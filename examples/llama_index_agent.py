"""A LlamaIndex ``FunctionAgent`` on a pool: only models that can call tools are asked, and hints enclose the whole run."""

import asyncio

from llama_index.core.agent.workflow import AgentStream, FunctionAgent, ToolCallResult

from routed_llm import RoutedLLM


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


llm = RoutedLLM("sandbox", strategy="cheapest")
agent = FunctionAgent(tools=[multiply], llm=llm)


async def main() -> None:
    with llm.routing(user="u-1", tags=["agent"]), llm.router.track() as spend:
        run = agent.run("What is 6 times 7? Multiply 6 and 7.")
        async for event in run.stream_events():
            if isinstance(event, ToolCallResult):
                print(f"tool {event.tool_name}: {event.tool_output}")
            elif isinstance(event, AgentStream) and event.delta:
                print("streamed:", event.delta)
        answer = await run
    print("answer:", answer)
    for name, sums in spend.by_model.items():
        print(f"calls: {sums.calls} by {name}")
    print(f"for user u-1: {spend.by_user['u-1'].calls} calls, {spend.total_nanousd} nano-dollars")
    print("passed over:", llm.router.records(1)[0].decision.rejected)


asyncio.run(main())
