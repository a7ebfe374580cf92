"""What a file says is what the router does, through every door; files, texts, mappings and YAML mean the same."""

import json
import pickle
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage

from routed_llm import RoutedChatModel, RoutedEmbedding, RoutedEmbeddings, RoutedLLM, Router
from routed_llm.errors import ConfigurationError
from routed_llm.policy.data import policy_from
from routed_llm.testing import Sandbox, SandboxModel, SandboxServer

pytestmark = pytest.mark.filterwarnings("ignore:.*not in the catalog")

WHOLE = """
strategy = "support"
seed = 3
max_price_ratio = 20.0

[defaults]
api_key = "env:CONFIG_TEST_KEY"
base_url = "{url}"
params = {{ temperature = 0 }}
region = "eu-central-1"

[models.fast]
model = "openai:fast"
price = {{ input = 0.1, output = 0.4 }}
knowledge = 2026-03-31

[models.strong]
price = {{ input = 2, output = 8, hours = [{{ from = 16:30:00, to = "00:30", input = 1 }}] }}
deployments = ["openai:strong", {{ model = "openai:strong-2", region = "us-east-1" }}]

[aliases]
cheap = "fast"
small = "cheap"

[policies.support]
when = {{ tier = "gold" }}
then = {{ first = ["best_there_is", "ordered"] }}
otherwise = "cheapest"

[policies.best_there_is]
rules = [{{ name = "europe", region = "eu-central-1" }}, {{ name = "dear", prefer = "strong" }}]

[[rules]]
name = "code"
if = {{ task = "code_debug" }}
pin = "strong"

[limits]
attempts = 3

[budgets.all]
usd = 5
per = "day"
"""


@pytest.fixture(scope="module")
def server():
    with SandboxServer(Sandbox([SandboxModel(name) for name in ("fast", "strong", "strong-2")])) as server:
        yield server


@pytest.fixture
def text(server, monkeypatch):
    monkeypatch.setenv("CONFIG_TEST_KEY", "any")
    return WHOLE.format(url=server.base_url)


CALLS = [({}, "fast"), ({"tier": "gold"}, "strong"), ({"task": "code_debug"}, "strong"), ({"prefer": "small"}, "fast")]


@pytest.mark.parametrize(("hints", "model"), CALLS)
def test_both_doors_do_what_the_file_says(text, hints, model):
    chat, llm = RoutedChatModel.from_config(text, routing=hints), RoutedLLM.from_config(text, routing=hints)
    told = chat.invoke([HumanMessage("What is 1 + 2?")]).response_metadata["routing"]
    assert told["model"] == model
    assert llm.complete("What is 1 + 2?").additional_kwargs["routing"]["model"] == model
    if hints.get("tier"):
        assert told["deployment"] == "strong#1"
        assert "rule 'europe'" in told["reason"]


def test_an_alias_can_be_asked_for(text):
    chat = RoutedChatModel.from_config(text)
    assert chat.invoke("What is 1 + 2?", model="small").response_metadata["routing"]["model"] == "fast"


def test_values_come_where_they_belong(text):
    router = Router.from_config(text)
    fast, first, second = router.catalog.deployments
    assert (fast.region, first.region, second.region) == ("eu-central-1", "eu-central-1", "us-east-1")
    assert fast.knowledge == "2026-03-31"
    assert first.price.hours[0].begin == (16 * 60 + 30) * 60
    assert router._core.limits.attempts == 3
    assert router.max_price_ratio == 20
    assert [standing.budget for standing in router.budgets()] == ["all"]


def test_yaml_means_the_same(text, tmp_path):
    import tomllib

    import yaml

    data = tomllib.loads(text)
    data["models"]["strong"]["price"]["hours"][0]["from"] = "16:30"
    (tmp_path / "routed.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
    one, two = Router.from_config(tmp_path / "routed.yaml"), Router.from_config(text)
    assert one.catalog.version == two.catalog.version
    assert one.policy.as_data() == two.policy.as_data()


def test_yaml_as_it_is_written(tmp_path, monkeypatch):
    path = tmp_path / "routed.yml"
    path.write_text(
        "models:\n"
        "  fast: sandbox:sandbox-small\n"
        "  strong:\n"
        "    model: sandbox:sandbox-large\n"
        "    knowledge: 2026-03-31\n"
        "    languages: [no, de]\n"
        "    price: {input: 1, output: 2, hours: [{from: 16:30, to: 00:30, input: 0.5}]}\n"
        "strategy: [cheapest]\n"
        "quiet_fallbacks: true\n"
    )
    strong = Router.from_config(str(path)).catalog.deployments[1]
    assert strong.languages == ("no", "de")
    assert strong.price.hours[0].begin == (16 * 60 + 30) * 60
    path.write_text(path.read_text().replace("  strong:\n", "  strong:\n    modle: x\n"))
    with pytest.raises(ConfigurationError, match=r"models\.strong\.modle \(line 4\).*Did you mean 'model'"):
        Router.from_config(path)
    path.write_text("models: sandbox\nmodels: sandbox\n")
    with pytest.raises(ConfigurationError, match=r"models \(line 2\): is said twice"):
        Router.from_config(path)
    path.write_text("models: [sandbox\n")
    with pytest.raises(ConfigurationError, match="no valid YAML"):
        Router.from_config(path)


def test_the_policy_of_a_file_is_data(text):
    policy = Router.from_config(text).policy
    told = json.loads(json.dumps(policy.as_data()))
    assert policy_from(told).as_data() == policy.as_data()
    assert policy_from(told).version == policy.version


def test_a_router_of_a_file_is_pickled(text):
    router = Router.from_config(text)
    for again in (pickle.loads(pickle.dumps(router)), pickle.loads(pickle.dumps(RoutedChatModel.from_config(text))).router):
        assert again.catalog.version == router.catalog.version
        assert again.policy.version == router.policy.version
        assert again.purpose == "chat"
    assert b"any" not in pickle.dumps(router).replace(b"many", b"")


@pytest.mark.parametrize(
    "models",
    ['models = ["sandbox:sandbox-small", {model = "sandbox:sandbox-large", name = "big", quality = 0.9}]', 'models = "sandbox"',
     '[models]\nbig = ["sandbox:sandbox-small", "sandbox:sandbox-large"]'],
)  # fmt: skip
def test_models_in_every_form(models):
    router = Router.from_config(models + "\n")
    assert len(router.catalog) >= 2
    assert router.policy.name == "ordered"


def test_rules_alone_stand_in_front_of_the_order():
    router = Router.from_config(
        'models = ["sandbox"]\nrules = [{name = "long", if = {tokens = {above = 5}}, pin = "sandbox:sandbox-large"}]'
    )
    chat = RoutedChatModel(router=router)
    assert chat.invoke("1 + 1?").response_metadata["routing"]["model"] == "sandbox:sandbox-small"
    told = chat.invoke("What is one and one, if one may ask that?").response_metadata["routing"]
    assert told["model"] == "sandbox:sandbox-large"
    assert "rule 'long'" in told["reason"]


def test_embeddings_have_files_too():
    text = 'models = ["sandbox:sandbox-embedding"]\npurpose = "embeddings"\n'
    assert RoutedEmbeddings.from_config(text).embed_query("a") == RoutedEmbedding.from_config(text).get_query_embedding("a")
    with pytest.raises(ConfigurationError, match="cannot chat"):
        RoutedChatModel.from_config(text)
    with pytest.raises(ConfigurationError, match="makes no embeddings"):
        RoutedEmbeddings.from_config("models = 'sandbox'\n")


def test_where_the_file_is_looked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ROUTED_LLM_CONFIG", raising=False)
    with pytest.raises(ConfigurationError, match=r"there is no routed\.toml"):
        Router.from_config()
    Path("routed.toml").write_text('models = "sandbox"')
    assert len(Router.from_config().catalog) > 1
    Path("other.toml").write_text('models = "sandbox:sandbox-small"')
    monkeypatch.setenv("ROUTED_LLM_CONFIG", "other.toml")
    assert len(Router.from_config().catalog) == 1
    with pytest.raises(ConfigurationError, match=r"no such file\. Did you mean 'other\.toml'"):
        Router.from_config("othr.toml")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Router.from_config(tmp_path)
    Path("latin.toml").write_bytes('a = 1\nb = "ä"'.encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"latin.toml \(line 2\): is no text in UTF-8"):
        Router.from_config("latin.toml")


def test_all_mistakes_are_counted_and_the_first_is_told():
    with pytest.raises(ConfigurationError) as caught:
        Router.from_config("seed = 1.5\nstratgy = 'x'\n[limits]\nfirst = -1\n")
    assert caught.value.path == "configuration: seed"
    assert "There are 2 more mistakes" in str(caught.value)


def test_what_is_not_the_routers_is_the_doors(text):
    chat = RoutedChatModel.from_config(text, temperature=0.5, routing={"user": "u1"})
    assert chat.temperature == 0.5
    assert chat.invoke("What is 1 + 2?").response_metadata["routing"]["user"] == "u1"
    with pytest.raises(ConfigurationError, match="router's own matter"):
        RoutedChatModel.from_config(text, strategy="cheapest")
