"""What the tests of all libraries share: a router whose first provider fails, and the examples."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel

from routed_llm import Router
from routed_llm.testing.faults import FaultyProvider, Healthy

ROOT = Path(__file__).parents[2]
QUESTION = "What is 2 plus 3?"
#: two tries of the first provider are not made: it fails at once, and the second one answers
TRIED = ["first", "second"]


class Sum(BaseModel):
    """A sum."""

    value: int


@contextmanager
def failing_first(said):
    """A router of two models, of which the first always fails, and the provider of the second, which says ``said``."""
    with FaultyProvider() as bad, FaultyProvider(said) as good:
        bad.always("internal_error_500")
        yield Router([bad.model("first"), good.model("second")], quiet_fallbacks=True), good


def adds_then_tells(body):
    """Calls the tool ``add`` first, and then tells its result: as text, or in the form that is asked for."""
    last, names = body["messages"][-1], [tool["function"]["name"] for tool in body.get("tools") or ()]
    if last["role"] != "tool":
        return Healthy(None, [("add", {"a": 2, "b": 3})]) if "add" in names else f"You said: {last['content']}"
    if "final_result" in names:
        return Healthy(None, [("final_result", {"value": int(last["content"])})])
    return f'{{"value": {last["content"]}}}' if body.get("response_format") else f"It is {last['content']}."


def tried(record):
    """Names of the models that were tried for a call."""
    return [attempt.deployment.model for attempt in record.attempts]


def printed(name):
    """The lines that an example prints, without keys and with a proxy that is not there."""
    mark = re.compile(r"_API_KEY$|_proxy$", re.IGNORECASE)
    kept = {each: value for each, value in os.environ.items() if not mark.search(each)}
    env = {**kept, "HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1,localhost"}
    command = [sys.executable, str(ROOT / "examples" / name)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
