"""A chain in LangChain's expression language: the routed model stands where any chat model stands."""

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

from routed_llm import RoutedChatModel

# simulated models, so this runs without keys; else RoutedChatModel(["openai:gpt-5.4-mini", "openai:gpt-5.4"], strategy="auto")
model = RoutedChatModel("sandbox", strategy="auto")
prompt = ChatPromptTemplate.from_messages([("system", "Reply with the answer only."), ("user", "{question}")])

# invoke: the parser gives the text, as ever
chain = prompt | model | StrOutputParser()
print("invoke:", chain.invoke({"question": "What is 17 * 23?"}))

# stream: pieces as they come
print("stream:", "".join(chain.stream({"question": "Sort these words alphabetically: pear, apple, fig."})))

# batch: many at once, in threads
questions = ["Convert 3 hours to minutes.", "Which day of the week is 2024-03-01?"]
print("batch:", chain.batch([{"question": question} for question in questions]))

# without the parser the message tells which model answered, and why
answer = (prompt | model).invoke({"question": "Compute 12 * 12 + 7 * 3 - 40 * 2 + 19 * 5."})
routing = answer.response_metadata["routing"]
print("answered by:", routing["model"])
print("because:", routing["reason"])
print("cost in nano-dollars:", routing["cost_nanousd"])
