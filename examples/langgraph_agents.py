"""Several agents in one LangGraph graph, on one router: hints for the whole run, cost by node and by thread."""

from langchain.agents import create_agent
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph

from routed_llm import RoutedChatModel, get_routing_callback


@tool
def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


model = RoutedChatModel("sandbox", strategy="cheapest")
# the same router, state and sum of money; this one prefers the strong model for its calls
careful = RoutedChatModel(router=model.router, routing={"prefer": "sandbox:sandbox-large"})

expert = create_agent(model, [multiply], name="expert")


def editor(state: MessagesState):
    """A node that calls a model itself; hints of the run arrive here too."""
    found = state["messages"][-1].text
    return {"messages": [careful.invoke(f"Context: {found}\nQuestion: What does the tool say?")]}


graph = StateGraph(MessagesState)
graph.add_node("expert", expert)
graph.add_node("editor", editor)
graph.add_edge(START, "expert")
graph.add_edge("expert", "editor")
graph.add_edge("editor", END)
app = graph.compile(checkpointer=InMemorySaver())

config = {"configurable": {"thread_id": "7", "routing": {"user": "u-1", "max_cost": 0.01}}}
question = {"messages": [("user", "What is 6 times 7? Multiply 6 and 7.")]}

with get_routing_callback() as costs:
    shown: dict[str, str] = {}
    for _, (chunk, metadata) in app.stream(question, config, stream_mode="messages", subgraphs=True):
        shown[metadata["langgraph_node"]] = shown.get(metadata["langgraph_node"], "") + chunk.text
print("streamed:", shown)

for node, sums in costs.by_node.items():
    print(f"node {node}: {sums.calls} calls, {sums.nanousd} nano-dollars")
for name, sums in costs.by_model.items():
    print(f"model {name}: {sums.calls} calls")
print("thread 7:", costs.by_thread["7"].calls, "calls")
print("hints of every call:", {record.decision.ask.hints.user for record in model.router.records()})
