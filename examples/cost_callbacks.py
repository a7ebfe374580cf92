"""What calls cost: ``track()`` for a piece of a program, callbacks in LangChain's own way, and LangChain's token counter."""

from langchain_core.callbacks import get_usage_metadata_callback
from langchain_core.prompts import ChatPromptTemplate

from routed_llm import RoutedChatModel, RoutingCallbackHandler, get_routing_callback

model = RoutedChatModel("sandbox", strategy="auto")
chain = ChatPromptTemplate.from_messages([("user", "{q}")]) | model
questions = [{"q": "What is 2 + 3?"}, {"q": "Convert 90 minutes to hours."}, {"q": "Compute 31 * 17 + 44 * 9 - 12 * 6 + 3."}]

# all three count the same calls: money and tokens by the model that answered
with model.router.track() as spend, get_routing_callback() as costs, get_usage_metadata_callback() as usage:
    chain.batch(questions)
    list(chain.stream({"q": "What is 4 + 5?"}))

print(spend)
print("calls:", spend.calls)
print("the same money:", spend.total_nanousd == costs.total_nanousd)
print("the same tokens:", spend.input_tokens == sum(counts["input_tokens"] for counts in usage.usage_metadata.values()))

# a handler of one's own sums by tag, user, run, graph node and thread
handler = RoutingCallbackHandler()
chain.invoke(questions[0], {"callbacks": [handler], "tags": ["report"], "metadata": {"routing": {"user": "u-1"}}})
print("tag report:", handler.by_tag["report"].calls, "call for", *handler.by_user)

# and each answer has its own price, exact in nano-dollars
routing = chain.invoke(questions[0]).response_metadata["routing"]
print("one answer:", routing["cost_nanousd"], "nano-dollars by", routing["model"])
