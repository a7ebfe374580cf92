"""Every example runs as a user would run it, without keys or a network, and prints what it promises."""

import copy
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"

PRINTED = {
    "lcel_chain.py": [
        "invoke: 391",
        "stream: apple, fig, pear",
        r"batch: \['180', 'Friday'\]",
        r"answered by: sandbox:sandbox-\w+",
        "because: auto: .+",
        "cost in nano-dollars: [1-9][0-9]*",
    ],
    "structured_output.py": [
        r"typed: Person\(name='Ada Lovelace', age=36\)",
        r"dict: \{'name': 'Ada Lovelace', 'age': 36\}",
        r"parsed: Person\(name='Ada Lovelace', age=36\)",
        "answered by: sandbox:sandbox-medium",
        " +- +sandbox:sandbox-small +can neither give typed answers nor call tools",
    ],
    "rag.py": [
        r"When was the lighthouse built\? -> The lighthouse of Vardo was built in 1896\.",
        r"From where does the ferry leave\? -> The harbour ferry leaves .* northern pier\.",
        "asked for: reader-1",
    ],
    "knowledge_model.py": [
        r"handbook: The lighthouse of Vardo was built in 1896\. \[page 1\]",
        "large: 391 after handbook: no page is close enough",
        "streamed by handbook in [1-9][0-9]* pieces",
        "typed answers go to: large",
        "one sum: True",
    ],
    "agent.py": [
        r"ai: \['weather'\]",
        r"tool: In Paris it is sunny at 21 degrees\.",
        r"typed: Report\(city='Paris', degrees=21\)",
        "calls: 2 by sandbox:sandbox-medium",
        "for user u-1: 2 calls",
        "passed over: {'sandbox:sandbox-small': 'cannot call tools.*'}",
    ],
    "langgraph_agents.py": [
        "streamed: {.*'editor': 'The tool multiply says: 42'}",
        "node model: 2 calls, [1-9][0-9]* nano-dollars",
        "node editor: 1 calls, [1-9][0-9]* nano-dollars",
        "model sandbox:sandbox-medium: 2 calls",
        "model sandbox:sandbox-large: 1 calls",
        "thread 7: 3 calls",
        r"hints of every call: \{'u-1'\}",
    ],
    "deep_agent.py": [
        "window of the pool: 200000",
        r"answer: The tool weather says: In Paris it is sunny at 21 degrees\.",
        r"tools called: \['weather'\]",
        "2 calls, .* tokens, [$].*",
    ],
    "cost_callbacks.py": [
        "calls: 4",
        "the same money: True",
        "the same tokens: True",
        "tag report: 1 call for u-1",
        "one answer: [1-9][0-9]* nano-dollars by sandbox:sandbox-small",
    ],
    "fallback.py": [
        "391 by sandbox:sandbox-small, tried 1",
        "391 by sandbox:sandbox-medium, tried 2",
        "391 by sandbox:sandbox-medium, tried [12]",
        "streamed by sandbox-medium",
        "failed: All [0-9] attempts failed: .*sandbox:sandbox-large: server_error.*",
    ],
    "media.py": [
        "image: large, medium",
        "recording: large, medium",
        "document: large, medium",
        "LlamaIndex: 42 by medium",
        "refused: .*small cannot read images.*",
        "relayed: 42 by small after medium",
        "lost: image: described in words by medium",
        "one bill: True",
    ],
    "changing_models.py": [
        "at first: small",
        "with new prices: large",
        "with one more model: medium",
        "streamed by one that had gone: 391",
        "without it: large",
        "as it was: small",
        r"3 remove \[\('medium', 'removed'\)\]",
        r"4 rollback to 0 \[\('small', 'price'\)\]",
    ],
    "llama_index_rag.py": [
        r"When was the lighthouse built\? -> The lighthouse of Tarvik was built in 1871\.",
        r"From where does the ferry leave\? -> The harbour ferry leaves .* northern pier\.",
        r"streamed in [1-9][0-9]* pieces: The bakery opens at seven\.",
        "asked for: reader-1",
        "answered by: sandbox:sandbox-small",
        "stage: question_answering",
    ],
    "llama_index_stages.py": [
        r"answer: The lighthouse of Tarvik was built in 1871\.",
        "query_keyword_extraction: sandbox:sandbox-small",
        "question_answering: sandbox:sandbox-large",
        "because: .*named for it.*",
    ],
    "llama_index_agent.py": [
        "tool multiply: 42",
        "answer: The tool multiply says: 42",
        "calls: 2 by sandbox:sandbox-medium",
        "for user u-1: 2 calls, [1-9][0-9]* nano-dollars",
        "passed over: {'sandbox:sandbox-small': 'cannot call tools'}",
    ],
    "llama_index_workflow.py": [
        r"reporter: \['handoff'\]",
        r"reckoner: \['multiply'\]",
        "reckoner: The tool multiply says: 42",
        "sandbox:sandbox-medium: 1 calls",
        "sandbox:sandbox-large: 2 calls",
        r"session of every call: \{'s-7'\}",
    ],
    "llama_index_react.py": [
        "tool multiply: 42",
        "answer: .*42",
        r"answered by: \{'sandbox:sandbox-small'\}",
    ],
    "llama_index_structured.py": [
        r"typed: Person\(name='Ada Lovelace', age=36\)",
        r"streamed: Person\(name='Ada Lovelace', age=36\)",
        r"as an LLM: Person\(name='Ada Lovelace', age=36\)",
        "answered by: sandbox:sandbox-medium",
        "passed over: {'sandbox:sandbox-small': 'can neither give typed answers nor call tools'}",
    ],
    "llama_index_cost.py": [
        "query 1: 1 calls, [1-9][0-9]* tokens in, [1-9][0-9]* nano-dollars",
        "query 2: 1 calls, [1-9][0-9]* tokens in, [1-9][0-9]* nano-dollars",
        "engine RetrieverQueryEngine: 2 calls",
        "the same money: True",
    ],
    "both_frameworks.py": [
        "LangChain: 391",
        r"LlamaIndex: The lighthouse of Tarvik was built in 1871\.",
        "one sum: 2 calls, True",
        r"tried: \['sandbox:sandbox-small', 'sandbox:sandbox-medium'\]",
        r"tried: \['sandbox:sandbox-medium'\]",
    ],
    "hints.py": [
        "no hint: sandbox:sandbox-small",
        "prefer: sandbox:sandbox-large",
        "exclude: sandbox:sandbox-medium",
        "bound: sandbox:sandbox-large",
        "user: u-1",
        r"merged: u-1 s-1 \['now'\]",
        "pinned: sandbox:sandbox-medium",
        r"refused: Unknown hint 'usr' in routing\. Did you mean 'user'\?.*",
    ],
}


def bare_environment():
    """The environment without keys and tracing; whatever leaves this machine meets a proxy that is not there."""
    mark = re.compile(r"_API_KEY$|^LANGSMITH_|^LANGCHAIN_|_proxy$", re.IGNORECASE)
    kept = {name: value for name, value in os.environ.items() if not mark.search(name)}
    return {**kept, "HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1,localhost"}


def run(name):
    return subprocess.run(
        [sys.executable, str(EXAMPLES / name)], cwd=ROOT, env=bare_environment(), capture_output=True, text=True, timeout=100
    )


@pytest.mark.parametrize("name", PRINTED)
def test_an_example(name):
    done = run(name)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for expected in PRINTED[name]:
        assert any(re.fullmatch(expected, line) for line in lines), f"no line {expected!r} in:\n{done.stdout}"
    if name == "fallback.py":  # one warning tells of each fallback
        assert "sandbox-small failed (overloaded, HTTP 503" in done.stderr.splitlines()[0]
        assert "falling back to sandbox:sandbox-medium (5 x its price)" in done.stderr.splitlines()[0]


def executed(name):
    """A notebook as it is stored, and after a fresh run."""
    stored = nbformat.read(EXAMPLES / name, as_version=4)
    fresh = copy.deepcopy(stored)
    NotebookClient(fresh, timeout=100, resources={"metadata": {"path": str(ROOT)}}).execute(env=bare_environment())
    return stored, fresh


def test_the_notebook():
    """Its stored outputs are those of a fresh run: what readers see on a page is true."""
    stored, fresh = executed("explain.ipynb")
    shown = [_tables(cell) for cell in fresh.cells]
    assert shown == [_tables(cell) for cell in stored.cells]
    tables = [table for tables in shown for table in tables]
    assert len(tables) == 6
    assert "sandbox:sandbox-small</td><td>cost $" in tables[0]
    assert "sandbox:sandbox-small</td><td>cannot call tools" in tables[1]
    assert "preferred by the hint" in tables[2]
    assert "sandbox:sandbox-small</td><td>its window of 16,000 tokens is smaller" in tables[3]
    assert "1 call, 8 input" in tables[5]


def test_the_notebook_of_a_provider_that_dies():
    stored, fresh = executed("provider_dies.ipynb")
    texts = ["".join(output.get("text", "") for output in cell.get("outputs", ())) for cell in fresh.cells]
    assert texts == ["".join(output.get("text", "") for output in cell.get("outputs", ())) for cell in stored.cells]
    shown = "\n".join(texts)
    assert "broken: connection\nwhat had come: 'I looked:'\ntried: ['first']" in shown
    assert "stream_reset_in_token not complete\nthe second was asked 0 times" in shown
    assert "--- starts anew: first broke ---" in shown
    assert shown.count("the answer: I looked: In Paris it is sunny at 21 degrees.") == 1


def _tables(cell):
    outputs = cell.get("outputs", ())
    return [output["data"]["text/html"] for output in outputs if "text/html" in output.get("data", {})]


def test_every_example_is_tested_and_listed():
    listed = re.findall(r"^\| \[(.+?)\]", (EXAMPLES / "README.md").read_text(), re.MULTILINE)
    there = {path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".ipynb")}
    # each of these needs a library, and is run where that is tested
    integrations = "".join(path.read_text() for path in (ROOT / "tests" / "integrations").glob("test_*.py"))
    of_libraries = {name for name in there if f'printed("{name}")' in integrations}
    assert there == set(listed) == {*PRINTED, *of_libraries, "explain.ipynb", "provider_dies.ipynb"}
