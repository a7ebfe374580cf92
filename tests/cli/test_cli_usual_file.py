"""Commands that call models take the file that everything else takes where nothing is said."""

import json

import pytest
from running import run

SMALL = 'models = ["sandbox:sandbox-small"]\n'
LARGE = 'models = ["sandbox:sandbox-large"]\n'


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "routed.toml").write_text(SMALL)
    (tmp_path / "other.toml").write_text(LARGE)
    return tmp_path


def checked(*arguments, **environ):
    done = run("health", "--json", *arguments, **environ)
    assert done.exit_code == 0, done.output
    return [each["model"] for each in json.loads(done.stdout)["deployments"]]


def test_health_checks_those_of_the_usual_file(here):
    assert checked() == ["sandbox:sandbox-small"]
    assert checked(ROUTED_LLM_CONFIG="other.toml") == ["sandbox:sandbox-large"]
    assert checked("--config", "other.toml") == ["sandbox:sandbox-large"]
    assert checked("--models", "sandbox:sandbox-medium") == ["sandbox:sandbox-medium"]


def test_so_do_the_others(here):
    assert "sandbox-small" in run("explain", "What is 2 + 3?").stdout
    assert run("ask", "What is 2 + 3?", ROUTED_LLM_CONFIG="other.toml").stderr.startswith("sandbox:sandbox-large")


def test_a_file_that_is_named_and_not_there_is_told(here):
    done = run("health", ROUTED_LLM_CONFIG="none.toml")
    assert done.exit_code == 2
    assert "none.toml" in done.output
