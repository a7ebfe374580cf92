"""The provider rows: complete, in agreement with the catalog, and found by the names that users give."""

from __future__ import annotations

import pytest

from routed_llm.catalog.cards import find_card
from routed_llm.providers.own_rows import row_problems
from routed_llm.providers.rows import SAMPLING, ProviderRow, find_row, load_rows, nearest_provider

ROWS = load_rows()
LEVELS = ("cheap", "middle", "strong")


def row(name: str) -> ProviderRow:
    found = find_row(name)
    assert found is not None
    return found


def test_every_promised_provider_has_a_row() -> None:
    promised = (
        "openai azure_openai anthropic gemini openrouter groq mistral deepseek together fireworks xai ollama vllm "
        "lm_studio cerebras perplexity xroute azure_ai huggingface dashscope github cloudflare databricks snowflake writer "
        "cohere crusoe heroku gpustack portkey moonshot zai minimax sambanova nvidia llama_cpp bedrock bedrock_mantle vertexai"
    )
    assert set(promised.split()) <= set(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_says_where_to_call_with_which_key_and_how_that_is_known(name: str) -> None:
    provider = ROWS[name]
    assert provider.name == name
    assert provider.title
    assert provider.source
    assert provider.base_url or provider.base_url_env or name == "gpustack"  # each of its installations has an address
    assert provider.key_env or not provider.key_required
    if provider.base_url:
        assert provider.base_url.startswith("http://" if provider.local else "https://")
        assert not provider.base_url.endswith("/")
    assert not list(row_problems(provider, name))


def test_no_name_or_alias_stands_for_two_providers() -> None:
    names = [n for provider in ROWS.values() for n in (provider.name, *provider.aliases)]
    assert len(names) == len(set(names))
    assert all(n == n.lower() for n in names)


@pytest.mark.parametrize("name", [n for n, r in ROWS.items() if r.pool])
def test_a_pool_names_priced_current_models_that_call_tools_by_rising_price(name: str) -> None:
    pool = ROWS[name].pool
    assert list(pool) == [level for level in LEVELS if level in pool]
    assert {"cheap", "strong"} <= set(pool)
    assert len(set(pool.values())) == len(pool)
    costs = []
    for model in pool.values():
        card = find_card(name, model)
        assert card is not None, model
        assert card.name == model
        assert card.status is None, model
        assert ROWS[name].abilities(card.abilities)["tools"], model
        assert card.prices is not None, model
        costs.append(card.prices.estimate(1_000_000, 250_000))
    assert None not in costs
    assert costs == sorted(costs)  # type: ignore[type-var]  # no None is left


def test_the_larger_providers_have_a_pool_and_local_ones_have_none() -> None:
    with_pool = {n for n, r in ROWS.items() if r.pool}
    assert {"openai", "anthropic", "gemini", "groq", "mistral", "deepseek", "xai"} <= with_pool
    assert not any(r.pool for r in ROWS.values() if r.local)


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("google_genai", "gemini"),
        ("google", "gemini"),
        ("azure", "azure_openai"),
        ("LMStudio", "lm_studio"),
        ("OpenAI", "openai"),
    ],
)
def test_aliases_lead_to_the_row(alias: str, name: str) -> None:
    assert row(alias).name == name


@pytest.mark.parametrize(
    ("typed", "meant"), [("opnai", "openai"), ("antropic", "anthropic"), ("mistrl", "mistral"), ("gogle", "gemini")]
)
def test_a_misspelt_provider_has_a_nearest_one(typed: str, meant: str) -> None:
    assert find_row(typed) is None
    assert nearest_provider(typed) == meant
    assert nearest_provider("zzzzzzzzzz") is None


def test_the_first_variable_that_is_set_holds_the_key() -> None:
    gemini = row("gemini")
    assert gemini.key_name({"GEMINI_API_KEY": "b", "GOOGLE_API_KEY": "a"}) == "GOOGLE_API_KEY"
    assert gemini.key_name({"GEMINI_API_KEY": "b", "GOOGLE_API_KEY": ""}) == "GEMINI_API_KEY"
    assert gemini.key_name({}) is None


@pytest.mark.parametrize(
    ("provider", "environ", "address"),
    [
        ("openai", {}, "https://api.openai.com/v1"),
        ("openai", {"OPENAI_BASE_URL": "http://proxy:4000/v1/"}, "http://proxy:4000/v1"),
        ("ollama", {}, "http://localhost:11434/v1"),
        ("ollama", {"OLLAMA_HOST": "10.0.0.5"}, "http://10.0.0.5:11434/v1"),
        ("ollama", {"OLLAMA_HOST": "http://box:9000"}, "http://box:9000/v1"),
        ("ollama", {"OLLAMA_HOST": "https://box"}, "https://box/v1"),
        ("azure_openai", {}, None),
        ("vertexai", {"GOOGLE_CLOUD_PROJECT": "p"}, None),
        (
            "vertexai",
            {"GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_CLOUD_LOCATION": "us-central1"},
            "https://us-central1-aiplatform.googleapis.com/v1beta1/projects/p/locations/us-central1/publishers/google",
        ),
        (
            "vertexai",
            {"GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_CLOUD_LOCATION": "global"},
            "https://aiplatform.googleapis.com/v1beta1/projects/p/locations/global/publishers/google",
        ),
        (
            "azure_openai",
            {"AZURE_OPENAI_ENDPOINT": "https://r.openai.azure.com/"},
            "https://r.openai.azure.com/openai/v1",
        ),
    ],
)
def test_the_environment_may_say_where_a_provider_is(provider: str, environ: dict[str, str], address: str | None) -> None:
    assert row(provider).address(environ) == address


@pytest.mark.parametrize(
    ("base", "version", "url"),
    [
        ("https://r.openai.azure.com/openai/v1", None, "https://r.openai.azure.com/openai/v1/chat/completions"),
        (
            "https://r.openai.azure.com/openai/v1",
            "2024-10-21",
            "https://r.openai.azure.com/openai/deployments/my%2Fgpt/chat/completions?api-version=2024-10-21",
        ),
        (
            "https://r.openai.azure.com",
            "2024-10-21",
            "https://r.openai.azure.com/openai/deployments/my%2Fgpt/chat/completions?api-version=2024-10-21",
        ),
        (
            "https://r.openai.azure.com/openai/deployments/d1/",
            "2024-10-21",
            "https://r.openai.azure.com/openai/deployments/d1/chat/completions?api-version=2024-10-21",
        ),
    ],
)
def test_azure_has_two_forms_of_address(base: str, version: str | None, url: str) -> None:
    assert row("azure").chat_url(base, "my/gpt", version) == url


@pytest.mark.parametrize(
    ("base", "version", "url"),
    [
        ("https://x.openai.azure.com/openai/v1", None, "https://x.openai.azure.com/openai/v1/embeddings"),
        ("https://x.openai.azure.com", "2024-10-21",
         "https://x.openai.azure.com/openai/deployments/my%2Fembed/embeddings?api-version=2024-10-21"),
        ("https://x/openai/deployments/e", "2024-10-21", "https://x/openai/deployments/e/embeddings?api-version=2024-10-21"),
    ],
)  # fmt: skip
def test_azure_has_two_forms_of_address_for_embeddings_too(base: str, version: str | None, url: str) -> None:
    assert row("azure").embeddings_url(base, "my/embed", version) == url


@pytest.mark.parametrize(
    ("base", "version", "url"),
    [
        ("https://x.openai.azure.com/openai/v1", None, "https://x.openai.azure.com/openai/v1/responses"),
        ("https://x.openai.azure.com", "2025-04-01-preview",
         "https://x.openai.azure.com/openai/responses?api-version=2025-04-01-preview"),
        ("https://x/openai/deployments/e", "2025-04-01-preview", "https://x/openai/responses?api-version=2025-04-01-preview"),
    ],
)  # fmt: skip
def test_azure_has_two_forms_of_address_for_responses_too(base: str, version: str | None, url: str) -> None:
    assert row("azure").responses_url(base, version) == url


def test_responses_are_beside_chats() -> None:
    assert row("xai").responses_url("https://api.x.ai/v1/", "2025") == "https://api.x.ai/v1/responses"


def test_embeddings_are_beside_chats() -> None:
    assert row("openai").embeddings_url("https://api.openai.com/v1/", "m") == "https://api.openai.com/v1/embeddings"
    assert [n for n, r in ROWS.items() if r.embeddings_base64] == ["openai", "azure_openai"]
    assert row("nvidia").embeddings_types == {"query": "query", "document": "passage"}


def test_an_api_version_changes_nothing_elsewhere() -> None:
    assert (
        row("groq").chat_url("https://api.groq.com/openai/v1/", "m", "2024")
        == "https://api.groq.com/openai/v1/chat/completions"
    )


@pytest.mark.parametrize(
    ("model", "reasoning"),
    [
        ("gpt-5-mini", True),
        ("o3", True),
        ("gpt-6.1-sol", True),
        ("ft:gpt-5-mini:me::1", True),
        ("gpt-5-chat-latest", False),
        ("gpt-4o", False),
    ],
)
def test_reasoning_models_take_no_sampling_parameters(model: str, reasoning: bool) -> None:
    openai = row("openai")
    assert openai.is_reasoning(model) is reasoning
    assert openai.drops_for(model) == (SAMPLING if reasoning else frozenset())
    assert openai.system_role(model) == ("developer" if reasoning else "system")
    assert not row("groq").is_reasoning(model)


def test_what_an_endpoint_lacks_overrides_what_the_model_can() -> None:
    known = {"tools": True, "structured_output": True, "pdf": True}
    assert row("anthropic").abilities(known) == {**known, "audio": False, "video": False, "embeddings": False}
    assert row("minimax_anthropic").abilities(known) == {"tools": True, "pdf": True, "embeddings": False}
    assert row("openai").abilities(known) == known
