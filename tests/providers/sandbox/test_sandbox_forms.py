"""Prompts of the known forms with anything in them: no solver breaks, none takes long, and plain tasks stay as they are."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_client import ask, said

from routed_llm.providers.sandbox.prompt import Prompt, read_prompt
from routed_llm.providers.sandbox.solvers.engines import solve_prompt
from routed_llm.providers.sandbox.solvers.json_mode import told_schema
from routed_llm.providers.sandbox.solvers.react import read_react
from routed_llm.testing import SandboxServer

RULE = "---------------------"
FORMS = [
    f"Context information is below.\n{RULE}\n{{a}}\n{RULE}\nAnswer the query.\nQuery: {{b}}\nAnswer: ",
    "New Context: {a}\nQuery: {b}\nOriginal Answer: {a}\nNew Answer: ",
    f"The original query is as follows: {{b}}\nAn existing answer: {{a}}\nsome more context below.\n{RULE}\n{{a}}\n{RULE}\n",
    'Write a summary of the following.\n\n{a}\n\nSUMMARY:"""\n',
    "<Chat History>\nuser: {a}\nassistant: {b}\n<Follow Up Message>\n{b}\n<Standalone question>\n",
    f"Extract up to 5 keywords from the text.\n{RULE}\n{{a}}\n{RULE}\nIn this format: 'KEYWORDS: <keywords>'\n",
    f"In a numbered list (1 to 2).\n{RULE}\n(1) {{a}}\n\n(2) {{b}}\n{RULE}\nOn the question: '{{b}}'\nAs 'ANSWER: <number>'.",
    f"In a numbered list (1 to 2).\n{RULE}\n(1) {{a}}\n\n(2) {{b}}\n{RULE}\nRelevant to the question: '{{b}}'\nONLY JSON",
    "With the relevance score.\nLet's try this now:\n\nDocument 1:\n{a}\n\nDocument 2:\n{b}\nQuestion: {a}\nAnswer:\n",
    '<Tools>\n```json\n{{"one": "{a}", "two": "b"}}\n```\n\n<User Question>\n{b}\n\n<Output>\n',
    "> Tool Name: one\nTool Description: {a}\nTool Args: {{}}\n\nAction Input: {b}",
]


def both(text: str) -> Prompt:
    """The text as system message and as the user's."""
    return read_prompt([{"role": "system", "content": text}, {"role": "user", "content": text}])


def solve_all(prompt: Prompt) -> None:
    found = solve_prompt(prompt)
    if found is not None and found.values is not None:
        found.values(found.answer)
    read_react(prompt)
    told_schema(prompt.text)


@given(st.sampled_from(FORMS), st.text(max_size=120), st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_no_text_in_a_known_form_breaks_a_solver(form: str, first: str, second: str) -> None:
    solve_all(both(form.replace("{{", "{").replace("}}", "}").replace("{a}", first).replace("{b}", second)))


@pytest.mark.parametrize(
    "text",
    [
        FORMS[0]
        .replace("{a}", "Old Mill is a mill. It has two wheels.\n" * 3000)
        .replace("{b}", "How many wheels has Old Mill?"),
        "context below\n" + f"{RULE}\n" * 5000,
        "context is below" + "\nquery: x" * 10_000,
        "numbered list\n-----\n" + "question: '" * 10_000,
        "Action Input: " + "> Tool Name: a\nTool Description: b\n" * 3000,
        "chat history: " + "\nfollow up input: a\n" * 4000,
        "<tools> ```json {" * 4000,
        "json schema below " + "{" * 50_000,
        "Write a summary of the following." + "\n" * 50_000,
    ],
)
def test_long_texts_are_read_in_linear_time(text: str) -> None:
    began = time.process_time()
    solve_all(both(text))
    assert time.process_time() - began < 5


def answer(server: SandboxServer, *turns: tuple[str, str], **more: Any) -> str:
    body = {"model": "sandbox-reasoner", "messages": [{"role": role, "content": text} for role, text in turns], **more}
    got = ask(server, body)
    assert got.status == 200, got.body
    content: str = got.json["choices"][0]["message"]["content"]
    return content


def test_plain_tasks_are_solved_as_before(sandbox: SandboxServer) -> None:
    assert said(sandbox, "What is 12 * 12?") == "144"
    assert (
        said(sandbox, "Context: The tower is red. The bridge is green.\nQuestion: Which colour has the bridge?")
        == "The bridge is green."
    )
    asked = "Rank the towns by their context. What is 3 + 4?"
    assert answer(sandbox, ("system", "You are helpful."), ("user", asked)) == "7"


def test_a_system_message_gives_the_context_and_history_what_it_points_at(sandbox: SandboxServer) -> None:
    given_text = (
        f"Use the context information below to assist the user.\n{RULE}\nOld Mill has two wheels. New Mill has nine.\n{RULE}\n"
    )
    turns = [("system", given_text), ("user", "Tell me about New Mill."), ("assistant", "New Mill is a mill.")]
    assert answer(sandbox, *turns, ("user", "How many has it?")) == "New Mill has nine."


def test_an_existing_answer_is_kept_where_the_new_context_is_worse(sandbox: SandboxServer) -> None:
    form = "New Context: {}\nQuery: When was Old Mill built?\nOriginal Answer: {}\nNew Answer: "
    kept = "Old Mill was built in 1731."
    assert answer(sandbox, ("user", form.format("Old Mill is in a valley.", kept))) == kept
    assert answer(sandbox, ("user", form.format(kept, "Old Mill is in a valley."))) == kept
    assert answer(sandbox, ("user", form.format("New Mill was built in 1990.", "I do not know."))).startswith("I do not know")
