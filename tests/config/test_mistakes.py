"""Every mistake is refused with its place, with what is wrong, and with what to write instead; `config check` finds it too."""

import pytest
from click.testing import CliRunner
from mistakes import MISTAKES

from routed_llm import Router
from routed_llm.cli.main import main
from routed_llm.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "GROQ_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "NOT_SET_HERE"):
        monkeypatch.delenv(name, raising=False)


def test_there_are_enough_and_they_are_distinct():
    assert len(MISTAKES) >= 70
    assert len({mistake.id for mistake in MISTAKES}) == len({mistake.text for mistake in MISTAKES}) == len(MISTAKES)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.id)
def test_an_error_names_place_problem_and_remedy(mistake, tmp_path):
    (tmp_path / "routed.toml").write_text(mistake.text)
    with pytest.raises(ConfigurationError) as caught:
        Router.from_config("routed.toml")
    error = caught.value
    assert error.path == (f"routed.toml: {mistake.path}" if mistake.path else "routed.toml")
    assert mistake.problem in error.problem
    assert mistake.remedy in error.problem
    assert str(error).startswith(error.path)
    if mistake.path:
        assert error.line
        key = mistake.path.rpartition(".")[2].partition("[")[0].strip('"')
        missing = "is missing" in error.problem or key in ("base_url", "use")
        assert missing or key in mistake.text.splitlines()[error.line - 1]
    for secret in ("my-own-key", "me:secret", "Bearer abc", "sk-0123"):
        assert secret not in str(error)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.id)
def test_the_command_finds_it(mistake, tmp_path):
    (tmp_path / "routed.toml").write_text(mistake.text)
    done = CliRunner().invoke(main, ["config", "check"])
    assert done.exit_code == 1
    assert f"routed.toml: {mistake.path}" in done.output if mistake.path else "routed.toml" in done.output
    assert mistake.problem in done.output
    assert mistake.remedy in done.output
