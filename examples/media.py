"""Images, recordings and documents go to whoever takes them; where the model that must answer does not, another one describes.

Of the simulated models ``small`` reads text alone; ``medium`` and ``large`` take images, recordings and documents.
"""

import base64
import struct

from langchain_core.messages import HumanMessage
from llama_index.core.llms import ChatMessage, ImageBlock, TextBlock

from routed_llm import RoutedChatModel, RoutedLLM
from routed_llm.errors import NoEligibleModel

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEklEQVR4nGP4z8CAFWEXHbQSACj/P8Fu7N9hAAAAAElFTkSuQmCC"
HEAD = struct.pack("<IHHIIHH", 16, 1, 1, 8_000, 16_000, 2, 16)  # one channel, 8,000 times a second
SILENCE = base64.b64encode(b"RIFF$\0\0\0WAVEfmt " + HEAD + b"data\0\0\0\0").decode()
PAPER = base64.b64encode(b"%PDF-1.4\n%%EOF\n").decode()
POOL = {"small": "sandbox:sandbox-small", "medium": "sandbox:sandbox-medium", "large": "sandbox:sandbox-large"}


def question(block: dict[str, str]) -> list[HumanMessage]:
    return [HumanMessage([{"type": "text", "text": "What is 17 + 25?"}, block])]


# LangChain's standard blocks; those of OpenAI, Anthropic and Google are taken as well
IMAGE = {"type": "image", "base64": DOT, "mime_type": "image/png"}
RECORDING = {"type": "audio", "base64": SILENCE, "mime_type": "audio/wav"}
DOCUMENT = {"type": "file", "base64": PAPER, "mime_type": "application/pdf"}

model = RoutedChatModel(POOL)
for name, block in (("image", IMAGE), ("recording", RECORDING), ("document", DOCUMENT)):
    decision = model.explain(question(block))
    print(f"{name}: {', '.join(sorted(each.model for each in decision.order))}")

# the same with LlamaIndex's blocks
picture = ImageBlock(image=base64.b64decode(DOT))
response = RoutedLLM(POOL).chat([ChatMessage(role="user", blocks=[TextBlock(text="What is 17 + 25?"), picture])])
print("LlamaIndex:", response.message.content, "by", response.additional_kwargs["routing"]["model"])

# who reads text alone is not asked about an image ...
try:
    model.invoke(question(IMAGE), model="small")
except NoEligibleModel as error:
    print("refused:", error)

# ... unless another one describes it first: both calls are one decision and one bill
answer = model.invoke(question(IMAGE), model="small", routing={"relay": True})
routing = answer.response_metadata["routing"]
print("relayed:", answer.text, "by", routing["model"], "after", routing["relay"][0]["model"])
print("lost:", *routing["losses"])
described = sum(call["cost_nanousd"] for call in routing["own_calls"])
print("one bill:", routing["cost_nanousd"] == described + routing["answer_cost_nanousd"])
