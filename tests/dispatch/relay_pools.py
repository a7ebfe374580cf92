"""A model of texts and two that see, over one served sandbox, and a question with a picture."""

import base64
import sys
from dataclasses import replace
from pathlib import Path

from langchain_core.messages import HumanMessage

from routed_llm.testing import DEFAULT_MODELS, sandbox_entries

sys.path.append(str(Path(__file__).parents[1] / "langchain"))
from standard_media import pdf, png, wav  # where they are made

__all__ = ["QUESTION", "bodies", "entries_of", "pool", "seen", "with_media"]

QUESTION = "What is 17 + 25?"
_BLOCKS = {
    "image": ("image", "image/png", png),
    "pdf": ("file", "application/pdf", pdf),
    "audio": ("audio", "audio/wav", wav),
}


def entries_of(server):
    return {entry.model: entry for entry in sandbox_entries(DEFAULT_MODELS, server.base_url)}


def pool(server, **changes):
    """``text`` takes texts alone, ``eye`` and ``second`` see; ``changes`` are those of an entry, by its name."""
    found = entries_of(server)
    models = {"text": found["sandbox-small"], "eye": found["sandbox-medium"], "second": found["sandbox-large"]}
    return {name: replace(entry, **changes.get(name, {})) for name, entry in models.items()}


def with_media(*media, text=QUESTION):
    """A question with media of these kinds."""
    blocks = []
    for medium in media:
        kind, mime, make = _BLOCKS[medium]
        blocks.append({"type": kind, "base64": base64.b64encode(make()).decode(), "mime_type": mime, "filename": "a.pdf"})
        if kind != "file":
            del blocks[-1]["filename"]
    return [HumanMessage([{"type": "text", "text": text}, *blocks])]


def seen(server):
    """The models that were asked, in order."""
    return [arrival.body["model"].removeprefix("sandbox-") for arrival in server.sandbox.requests]


def bodies(server, model):
    return [arrival.body for arrival in server.sandbox.requests if arrival.body["model"] == f"sandbox-{model}"]
