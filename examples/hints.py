"""Hints: what a caller says about one call. One name, ``routing``, on every way in; unknown hints are refused."""

from langchain_core.prompts import ChatPromptTemplate

from routed_llm import RoutedChatModel
from routed_llm.errors import UnknownHint

model = RoutedChatModel("sandbox", strategy="cheapest")
QUESTION = "What is 17 * 23?"


def answered(message) -> str:
    return message.response_metadata["routing"]["model"]


# a keyword of the call
print("no hint:", answered(model.invoke(QUESTION)))
print("prefer:", answered(model.invoke(QUESTION, routing={"prefer": "sandbox:sandbox-large"})))
print("exclude:", answered(model.invoke(QUESTION, routing={"exclude": ["sandbox:sandbox-small"]})))

# bound to the model, for every call of it
large = model.bind(routing={"prefer": "sandbox:sandbox-large"})
print("bound:", answered(large.invoke(QUESTION)))

# in the config of a chain, an agent or a graph: it arrives at every model inside
chain = ChatPromptTemplate.from_messages([("user", "{q}")]) | model
config = {"configurable": {"routing": {"user": "u-1", "tags": ["report"], "max_cost": 0.001}}}
print("user:", chain.invoke({"q": QUESTION}, config).response_metadata["routing"]["user"])

# keyword, then configurable, then metadata, then the model's own: hint by hint, the nearest wins
config["metadata"] = {"routing": {"user": "u-0", "session": "s-1"}}
given = model.invoke(QUESTION, config, routing={"tags": ["now"]}).response_metadata["routing"]
print("merged:", given["user"], given["session"], given["tags"])

# a model for one call: not a hint, but a keyword that LangChain has already
print("pinned:", answered(model.invoke(QUESTION, model="sandbox:sandbox-medium")))

# mistakes are told before anything is sent
try:
    model.invoke(QUESTION, routing={"usr": "u-1"})
except UnknownHint as error:
    print("refused:", error)
