"""Tools that a provider runs and files that a provider keeps go to nobody who does not have them."""

import pytest
from answering_server import AnsweringServer
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI
from llama_index.core.llms import ChatMessage

from routed_llm import Model, RoutedChatModel, RoutedLLM
from routed_llm.errors import NoEligibleModel
from routed_llm.explained.asked import ask_data, ask_from

POOL = {
    "claude": Model("anthropic:claude-sonnet-4-6", api_key="k", retires=False),
    "gemini": Model("gemini:gemini-3-flash-preview", api_key="k", retires=False),
    "chat": Model("openai:gpt-5-mini", api_key="k", retires=False),
    "responses": Model("openai:gpt-5-mini", dialect="openai.responses", api_key="k", retires=False),
    "groq": Model("groq:openai/gpt-oss-20b", api_key="k", retires=False),
    "router": Model("openrouter:openai/gpt-5-mini", api_key="k", retires=False),
    "zai": Model("zai:glm-4.7", api_key="k", retires=False),
    "own": Model("any", base_url="http://127.0.0.1:9/v1"),
}
SEARCHES = {"claude", "gemini", "responses"}
PLACE = {"type": "approximate", "country": "DE", "city": "Bonn"}
#: a tool -> who has it
TOOLS = {
    "a function": (
        {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}},
        set(POOL),
    ),
    "openai's search": ({"type": "web_search"}, SEARCHES),
    "openai's older search": ({"type": "web_search_preview", "search_context_size": "medium"}, SEARCHES),
    "anthropic's search": ({"type": "web_search_20250305", "name": "web_search"}, SEARCHES),
    "google's search": ({"google_search": {}}, SEARCHES),
    "openai's search of some domains": (
        {"type": "web_search", "filters": {"allowed_domains": ["a.org"]}},
        {"claude", "responses"},
    ),
    "openai's search from a place": ({"type": "web_search", "user_location": PLACE}, {"claude", "responses"}),
    "anthropic's search of some domains": (
        {"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["a.org"], "user_location": PLACE},
        {"claude", "responses"},
    ),
    "openai's search at length": ({"type": "web_search", "search_context_size": "high"}, {"responses"}),
    "anthropic's search, twice at most": ({"type": "web_search_20250305", "name": "web_search", "max_uses": 2}, {"claude"}),
    "google's search of some time": ({"google_search": {"time_range_filter": {}}}, {"gemini"}),
    "openai's interpreter": ({"type": "code_interpreter", "container": {"type": "auto"}}, {"responses"}),
    "google's interpreter": ({"code_execution": {}}, {"gemini"}),
    "anthropic's interpreter": ({"type": "code_execution_20250825", "name": "code_execution"}, {"claude"}),
    "groq's browser": ({"type": "browser_search"}, {"groq"}),
    "openrouter's search": ({"type": "openrouter:web_search", "parameters": {"max_results": 3}}, {"router"}),
    "z.ai's search": ({"type": "web_search", "web_search": {"enable": True}}, {"zai", "responses"}),
    "a tool of nobody": ({"type": "read_minds"}, set()),
}


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("door", [RoutedChatModel, RoutedLLM])
def test_who_may_be_asked_with_a_tool(door, tool):
    given, able = TOOLS[tool]
    decision = door(POOL).explain("What is new?", tools=[given])
    assert {deployment.model for deployment in decision.order} == able
    assert all("cannot be given a tool" in reason for reason in decision.rejected.values())


def test_a_decision_that_was_kept_says_the_same_again():
    decision = RoutedChatModel(POOL).explain(
        "What is new?", tools=[{"type": "code_interpreter", "container": {"type": "auto"}}]
    )
    kept = ask_from(ask_data(decision.ask)).requires
    assert kept == decision.ask.requires
    assert dict(kept.unserved).keys() == {each for each in POOL if each != "responses"}


@pytest.mark.parametrize(
    ("tool", "able"),
    [
        ({"type": "web_search"}, {"openai"}),
        ({"type": "web_search_20250305", "name": "web_search"}, {"anthropic"}),
        ({"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}, {"openai", "anthropic"}),
    ],
    ids=["openai's", "anthropic's", "a function"],
)
def test_objects_get_tools_in_the_form_of_their_own_provider(tool, able):
    pool = {
        "openai": Model(ChatOpenAI(model="gpt-5-mini", api_key="k"), retires=False),
        "anthropic": Model(ChatAnthropic(model="claude-sonnet-4-6", api_key="k"), retires=False),
    }
    decision = RoutedChatModel(pool).explain("What is new?", tools=[tool])
    assert {deployment.model for deployment in decision.order} == able


def test_nobody_has_it_and_the_error_says_so():
    model = RoutedChatModel({"chat": POOL["chat"]})
    with pytest.raises(NoEligibleModel, match="cannot be given a tool of type 'web_search', which gpt-5-mini does not have"):
        model.bind_tools([{"type": "web_search"}]).invoke("What is new?")


def test_a_search_is_sent_in_the_form_of_whoever_is_asked():
    sent = []
    answer = {"type": "message", "content": [{"type": "text", "text": "Nothing."}], "stop_reason": "end_turn", "usage": {}}
    with AnsweringServer(answer, sent) as url:
        claude = RoutedChatModel([Model("anthropic:claude-sonnet-4-6", base_url=url, api_key="k")])
        tool = {"type": "web_search", "filters": {"allowed_domains": ["a.org"]}, "user_location": PLACE}
        told = claude.bind_tools([tool, {"google_search": {}}]).invoke("What is new?")
        claude.bind_tools([{"google_search": {}}, {"type": "web_search"}]).invoke("What is new?")
    own = {"type": "web_search_20250305", "name": "web_search"}
    assert sent[0]["tools"] == [{**own, "allowed_domains": ["a.org"], "user_location": PLACE}, own]
    assert sent[1]["tools"] == [own]  # said twice
    assert "losses" not in told.response_metadata["routing"]


FILE = {"type": "file", "file_id": "file-1", "mime_type": "application/pdf"}
#: a block -> who has the file
FILES = {
    "of anybody": (FILE, {"claude", "chat", "responses", "groq", "router", "zai", "own"}),
    # whether the others keep files nobody knows
    "of openai": ({**FILE, "extras": {"origin": "openai"}}, {"chat", "responses"}),
    "of one deployment": ({**FILE, "extras": {"origin": "groq"}}, {"groq"}),
    "of nobody here": ({**FILE, "extras": {"origin": "elsewhere"}}, set()),
    "in an older form": ({"type": "file", "source_type": "id", "id": "file-1", "origin": "openrouter"}, {"router"}),
    "in anthropic's form": ({"type": "document", "source": {"type": "file", "file_id": "file_1"}}, {"claude"}),
    "a picture": ({"type": "image", "source": {"type": "file", "file_id": "file_1"}}, {"claude"}),
}


@pytest.mark.parametrize("tool", [False, True], ids=["asked", "in a tool's result"])
@pytest.mark.parametrize("file", FILES)
def test_who_may_be_asked_about_a_kept_file(file, tool):
    block, able = FILES[file]
    asked = [HumanMessage([{"type": "text", "text": "What is in it?"}, block])]
    if tool:
        asked = [HumanMessage("Look."), ToolMessage([block], tool_call_id="c1")]
    decision = RoutedChatModel(POOL).explain(asked)
    assert {deployment.model for deployment in decision.order} == able
    if file == "of openai":
        assert "cannot be given a file that openai keeps" in decision.rejected["claude"]


def test_a_kept_file_comes_to_its_keeper():
    sent = []
    answer = {"type": "message", "content": [{"type": "text", "text": "Sums."}], "stop_reason": "end_turn", "usage": {}}
    with AnsweringServer(answer, sent) as url:
        keeper = Model("anthropic:claude-sonnet-4-6", name="keeper", base_url=url, api_key="k")
        model = RoutedChatModel([Model("openai:gpt-5-mini", api_key="k"), keeper])
        document = {"type": "document", "source": {"type": "file", "file_id": "file_1"}, "title": "Sums"}
        picture = {"type": "image", "file_id": "file_2", "extras": {"origin": "keeper"}}
        told = model.invoke([HumanMessage([document, picture, {"type": "text", "text": "What is in it?"}])])
    assert told.response_metadata["routing"]["model"] == "keeper"
    assert sent[0]["messages"][0]["content"][:2] == [
        document, {"type": "image", "source": {"type": "file", "file_id": "file_2"}}
    ]  # fmt: skip


def test_blocks_of_llama_index_have_no_ids_of_files():
    decision = RoutedLLM(POOL).explain([ChatMessage(role="user", content="file-1")])
    assert {deployment.model for deployment in decision.order} == set(POOL)
