"""Rows of the user's own: used, refused with their place, and pickled; in files and in Python."""

import pickle

import pytest

from routed_llm import ProviderRow, RoutedChatModel, Router
from routed_llm.errors import ConfigurationError, MissingKey, UnknownProvider

HERE = "http://127.0.0.1:9/v1"


def row(**told):
    return ProviderRow("mine", **{"base_url": HERE, "key_required": False, **told})


def test_a_row_is_known_to_its_router_alone():
    router = Router(["mine:m"], providers=[row(path="/ask")])
    assert router.catalog.deployments[0].endpoint.url == f"{HERE}/ask"
    with pytest.raises(UnknownProvider, match="unknown provider 'mine'"):
        Router(["mine:m"])
    with pytest.raises(UnknownProvider, match="Did you mean 'mine'"):
        Router(["mien:m"], providers=[row()])


def test_texts_may_stand_for_lists():
    mine = row(key_env="A_KEY", drops="seed", reasoning_fields="thoughts")
    assert (mine.key_env, mine.drops, mine.reasoning_fields) == (("A_KEY",), frozenset({"seed"}), ("thoughts",))
    assert (mine.title, mine.source) == ("mine", "the user's own")


def test_a_key_is_looked_for_where_the_row_says(monkeypatch):
    mine = row(key_required=True, key_env="MINE_KEY")
    with pytest.raises(MissingKey, match="MINE_KEY"):
        Router(["mine:m"], providers=[mine])
    monkeypatch.setenv("MINE_KEY", "k")
    assert Router(["mine:m"], providers=[mine]).catalog.deployments[0].endpoint.credential.label == "env:MINE_KEY"


def test_a_known_provider_can_be_changed(monkeypatch):
    monkeypatch.setenv("MISTRAL_API_KEY", "k")
    text = f'[providers.mistral]\nbase_url = "{HERE}"\n[models]\nm = "mistral:mistral-small-latest"\n'
    endpoint = Router.from_config(text).catalog.deployments[0].endpoint
    assert endpoint.url == f"{HERE}/chat/completions"
    assert endpoint.wire.quirks["tool_choices"] == {"required": "any"}
    assert Router(["mistral:mistral-small-latest"]).catalog.deployments[0].endpoint.url.startswith("https://api.mistral.ai/")


def test_a_router_with_rows_can_be_pickled():
    for router in (
        Router(["mine:m"], providers=[row()]),
        Router.from_config(f'[providers.mine]\nbase_url = "{HERE}"\nkey_required = false\n[models]\nm = "mine:m"\n'),
    ):
        again = pickle.loads(pickle.dumps(router))
        assert again.catalog.deployments[0].endpoint.url == f"{HERE}/chat/completions"


def test_a_pool_of_a_row_counts_where_no_models_are_named(monkeypatch):
    monkeypatch.setenv("MINE_KEY", "k")
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    router = Router(providers=[row(key_env="MINE_KEY", pool={"cheap": "small", "strong": "large"})])
    assert {"mine:small", "mine:large"} <= set(router.catalog.models)


def test_a_region_has_an_address_of_its_own(monkeypatch):
    from routed_llm import Model

    monkeypatch.setenv("DASHSCOPE_API_KEY", "k")
    router = Router({"a": Model("dashscope:qwen-max"), "b": Model("dashscope:qwen-max", region="cn")})
    assert [d.endpoint.url.partition("/compatible")[0] for d in router.catalog.deployments] == [
        "https://dashscope-intl.aliyuncs.com",
        "https://dashscope.aliyuncs.com",
    ]


def test_a_header_whose_variable_is_not_set_is_left_out(monkeypatch):
    from routed_llm.providers.rows import find_row

    openrouter = find_row("openrouter")
    assert openrouter.headers({}) == {}
    assert openrouter.headers({"OPENROUTER_APP_TITLE": "Mine"}) == {"X-Title": "Mine"}


MISTAKES = [
    ({"base_url": "acme.example"}, "base_url", "must begin with http"),
    ({"base_url": "https://me:secret@acme.example"}, "base_url", "holds a user or a password"),
    ({"base_url": "https://{account}.acme.example"}, "base_url", r"write \{NAME\} in capitals"),
    ({"region_urls": {"eu": "eu.acme.example"}}, "region_urls", "must begin with http"),
    ({"path": "chat"}, "path", "must begin with /"),
    ({"default_port": 0}, "default_port", "from 1 to 65535"),
    ({"dialect": "openai.chta"}, "dialect", "Did you mean 'openai.chat'"),
    ({"lacks": ["toosl"]}, "lacks", "Did you mean 'tools'"),
    ({"lacks": ["tools"], "unsure": ["tools"]}, "unsure", "stands in lacks"),
    ({"key_env": ["sk secret"]}, "key_env", "names no environment variable"),
    ({"auth_header": "x key"}, "auth_header", "no name of a header"),
    ({"extra_headers": {"x-api-key": "k"}}, "extra_headers", "says who you are"),
    ({"aliases": ["claude"]}, "aliases", "a name of anthropic already"),
    ({"aliases": ["My Own"]}, "aliases", "no name of a provider"),
    ({"pool": {"cheep": "m"}}, "pool", "Did you mean 'cheap'"),
    ({"tool_choices": {"requird": "any"}}, "tool_choices", "Did you mean 'required'"),
]


@pytest.mark.parametrize(("told", "field", "said"), MISTAKES, ids=lambda part: str(part)[:30])
def test_what_cannot_be_meant_is_refused_with_its_place(told, field, said):
    with pytest.raises(ConfigurationError, match=said) as refused:
        Router(["mine:m"], providers=[row(**told)])
    assert refused.value.path == f"providers.mine.{field}"
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row(), row()], "there twice"),
        ([ProviderRow("sandbox", base_url=HERE)], "simulated models"),
        ([ProviderRow("My Own", base_url=HERE)], "no name of a provider"),
        (["mine"], "must be a ProviderRow"),
        ([row(aliases=["m"]), ProviderRow("other", base_url=HERE, aliases=["m"])], "a name of mine already"),
    ],
)
def test_names_are_checked(rows, said):
    with pytest.raises(ConfigurationError, match=said):
        Router(["mine:m"], providers=rows)


def test_a_door_takes_a_router_with_rows():
    with RoutedChatModel(router=Router(["mine:m"], providers=[row()])) as model:
        assert model.explain("Hello?").order[0].provider == "mine"
