"""A ``ReActAgent``: tools by plain text, so that models which cannot call tools serve too."""

import asyncio

from llama_index.core.agent.workflow import ReActAgent, ToolCallResult

from routed_llm import RoutedLLM


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


llm = RoutedLLM("sandbox", strategy="cheapest")
agent = ReActAgent(tools=[multiply], llm=llm)


async def main() -> None:
    run = agent.run("What is 6 times 7? Multiply 6 and 7.")
    async for event in run.stream_events():
        if isinstance(event, ToolCallResult):
            print(f"tool {event.tool_name}: {event.tool_output}")
    print("answer:", await run)
    print("answered by:", {record.answered_by.model for record in llm.router.records()})


asyncio.run(main())
