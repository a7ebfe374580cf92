"""How long a prompt and its answer are, in tokens, estimated without a tokenizer and without the network."""

from __future__ import annotations

from routed_llm.errors import InvalidCall
from routed_llm.requests import Request

__all__ = ["MEDIA_TOKENS", "expected_output", "input_tokens", "longest_text", "spelled", "text_tokens", "weight"]

#: characters per token of English text by OpenAI's rule of thumb (help centre: "1 token ~= 4 chars in English")
CHARACTERS_PER_TOKEN = 4
#: tokens that one piece of media is taken to cost; providers count 85 to 1,600 for an image (their vision guides)
MEDIA_TOKENS = {"images": 1_000, "image_urls": 1_000, "pdf": 3_000, "audio": 1_000, "video": 5_000}
#: tokens of an answer where nothing limits it: about a long paragraph
TYPICAL_ANSWER = 300


def weight(text: str) -> int:
    """Length of a text in characters of English: letters beyond ASCII count by their bytes.

    A character of three bytes (Chinese, Japanese, Korean) is about one token in today's vocabularies, so it counts four; one
    of two bytes (Cyrillic, Greek, Arabic) two and a half.
    """
    length = len(text)
    return length if text.isascii() else length + (len(text.encode("utf-8", "surrogatepass")) - length) * 3 // 2


def spelled(value: object) -> str:
    """What Python writes of plain data, which is about as long as its JSON.

    Raises:
        InvalidCall: for data that is nested too deeply to be looked at, and so to be sent.
    """
    try:
        return str(value)
    except RecursionError:
        raise InvalidCall("The request is nested too deeply to be sent. Check messages, tools and schema.") from None


def text_tokens(text: str) -> int:
    """Tokens of a text, rounded up."""
    return -(-weight(text) // CHARACTERS_PER_TOKEN)


def input_tokens(request: Request) -> int:
    """Tokens of a request's prompt: its text, tools, schema and media. Raises as :func:`spelled`."""
    view = request.view
    characters = view.characters
    if request.tools is not None:
        characters += sum(len(spelled(tool)) for tool in request.tools.wire)
    if request.schema is not None and request.schema.schema is not None:
        characters += len(spelled(request.schema.schema))
    return -(-characters // CHARACTERS_PER_TOKEN) + view.media_tokens


def longest_text(request: Request, total: int) -> int:
    """Tokens that have to fit into one window: ``total``, but of several texts to embed only those of the longest."""
    return max(map(text_tokens, request.payload), default=0) if request.dialect == "embeddings" else total


def expected_output(request: Request) -> int:
    """Tokens that the answer is expected to have: the caller's limit where it is lower than a typical answer."""
    if request.dialect == "embeddings":
        return 0
    limit = request.params.get("max_tokens")
    return min(limit, TYPICAL_ANSWER) if isinstance(limit, int) and limit > 0 else TYPICAL_ANSWER
