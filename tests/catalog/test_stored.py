"""A catalog as data: enough to decide again in another process, never enough to call anybody."""

import json
import subprocess
import sys

import pytest

from routed_llm import Model, Router
from routed_llm.catalog.snapshot import Catalog
from routed_llm.driver import Patience
from routed_llm.errors import ConfigurationError

SECRET = "sk-canary-4711"
MODELS = [
    Model("openai:gpt-5-mini", api_key=SECRET, headers={"x": SECRET}, tags=["a", "b"], region="eu", weight=2),
    Model("deepseek:deepseek-flash", api_key=SECRET, quality=0.7, strengths={"code": 0.8}, agreements=["DPA"]),
    Model("x", base_url=f"http://user:{SECRET}@host.example/v1", price={"input": "0.1", "output": 2, "image": 0.01}),
    Model("sandbox:sandbox-small", name="mine", deployments=[Model(region="de"), Model(weight=0.5, limits={"concurrent": 3})]),
]


@pytest.fixture(scope="module")
def catalog():
    return Router(MODELS).catalog


def test_a_catalog_comes_back_from_json_with_the_same_version(catalog):
    text = json.dumps(catalog.as_data())
    again = Catalog.from_data(json.loads(text))
    assert again.version == catalog.version
    assert [d.facts() for d in again.deployments] == [d.facts() for d in catalog.deployments]
    assert [d.names for d in again.deployments] == [d.names for d in catalog.deployments]
    assert [d.price for d in again.deployments] == [d.price for d in catalog.deployments]
    assert json.dumps(again.as_data()) == text
    assert again.known == catalog.known


def test_it_holds_no_key_and_no_address(catalog):
    text = json.dumps(catalog.as_data())
    for word in (SECRET, "http", "host.example", "api_key", "credential"):
        assert word not in text


def test_it_comes_back_in_another_process(catalog):
    code = (
        "import json, sys\n"
        "from routed_llm.catalog.snapshot import Catalog\n"
        "print(Catalog.from_data(json.load(sys.stdin)).version)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(catalog.as_data()), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == catalog.version


async def test_its_deployments_cannot_be_called(catalog):
    endpoint = Catalog.from_data(catalog.as_data()).deployments[0].endpoint
    patience = Patience(1, 1, 1)
    for call in (endpoint.call, endpoint.open):
        with pytest.raises(ConfigurationError, match="stored catalog"):
            call(None, patience)
    for acall in (endpoint.acall, endpoint.aopen):
        with pytest.raises(ConfigurationError, match="openai:gpt-5-mini comes from a stored catalog"):
            await acall(None, patience)
    assert endpoint.modes == catalog.deployments[0].endpoint.modes
    assert endpoint.fingerprint == "stored:openai:gpt-5-mini"


@pytest.mark.parametrize(
    "data", [{}, [], {"deployments": [{}]}, {"deployments": [{"id": "x", "modes": ["sync"], "names": [], "odd": 1}]}]
)
def test_what_is_no_catalog_is_refused(data):
    with pytest.raises(ConfigurationError, match="no stored catalog"):
        Catalog.from_data(data)


def test_a_changed_catalog_is_refused(catalog):
    data = catalog.as_data()
    data["deployments"][0]["weight"] = 3
    with pytest.raises(ConfigurationError, match="was changed"):
        Catalog.from_data(data)


def test_the_same_models_have_the_same_version_in_every_process(catalog):
    assert Router(MODELS).catalog.version == catalog.version
