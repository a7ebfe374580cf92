"""A specialised knowledge model: a cheap retrieval chain that answers what it can, and a larger model for everything else."""

from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from pydantic import BaseModel

from routed_llm import CannotAnswer, Model, RoutedChatModel
from routed_llm.testing import SandboxServer

PAGES = [
    Document("The lighthouse of Vardo was built in 1896.", metadata={"page": 1}),
    Document("The harbour ferry leaves every forty minutes from the northern pier.", metadata={"page": 2}),
]


def find(asked: dict) -> list[Document]:
    """The pages that share two words with the question. Real programs take a vector store and a threshold."""
    words = set(asked["question"].lower().split())
    found = [page for page in PAGES if len(words & set(page.page_content.lower().split())) > 2]
    if not found:
        raise CannotAnswer("no page is close enough")
    return found


server = SandboxServer().start()
reader = RoutedChatModel([Model("sandbox-small", base_url=server.base_url, name="small", price={"input": 0.1, "output": 0.4})])
prompt = ChatPromptTemplate.from_template("Context:\n{pages}\n\nQuestion: {question}")
handbook = (
    RunnablePassthrough.assign(context=RunnableLambda(find))
    | RunnablePassthrough.assign(pages=lambda asked: "\n".join(page.page_content for page in asked["context"]))
    | RunnablePassthrough.assign(answer=prompt | reader | StrOutputParser())
)

model = RoutedChatModel(
    [
        Model(
            handbook,
            name="handbook",
            input=lambda messages: {"question": messages[-1].text},
            price={"input": 0.1, "output": 0.4},
            context=4_000,
        ),
        Model("sandbox-large", base_url=server.base_url, name="large", price={"input": 2.5, "output": 10}),
    ]
)


def routing(message):
    return message.response_metadata["routing"]


known = model.invoke("When was the lighthouse of Vardo built?")
pages = ", ".join(f"page {cited['metadata']['page']}" for cited in known.additional_kwargs["citations"])
print(f"{routing(known)['model']}: {known.text} [{pages}]")

unknown = model.invoke("What is 17 * 23?")
why = model.router.records(1)[0].attempts[0].error
print(f"{routing(unknown)['model']}: {unknown.text} after {why.model}: {why.message}")

pieces = list(model.stream("From where does the harbour ferry leave?"))
said_by = next(piece.response_metadata["routing"]["model"] for piece in pieces if "routing" in piece.response_metadata)
print(f"streamed by {said_by} in {sum(bool(piece.text) for piece in pieces)} pieces")


class Sum(BaseModel):
    """A sum."""

    value: int


typed = model.with_structured_output(Sum, include_raw=True).invoke("What is 2 + 3?")
print("typed answers go to:", routing(typed["raw"])["model"])

# the chain's own model is a router: what it really cost is what the call cost
print("one sum:", routing(known)["cost_nanousd"] == reader.router.records()[0].cost_nanousd)
