"""Pieces of installed packages, found by name: real packages on the path of a fresh process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

import routed_llm
from routed_llm.errors import ConfigurationError
from routed_llm.policy import registry

SRC = Path(routed_llm.__file__).parents[1]

PIECES = '''
print("theirs is imported")
from routed_llm.policy.compose import Policy
from routed_llm.policy.selectors.best import Best
from theirs_inner import Letters

class OnlyShort:
    """Rejects models with long names."""
    name, static = "only short", True
    def __init__(self, most=18):
        self.most = most
    def reject(self, ask, candidates, live):
        return {d.id: "its name is too long" for d in candidates if len(d.served_model) > self.most}

class Backwards:
    """The last one first."""
    name = "backwards"
    def order(self, ask, candidates, totals, live, rng):
        return list(reversed(candidates)), 1.0, "the last first"

class Everybody:
    """A rule that prefers one model."""
    def __init__(self, model):
        self.model, self.name = model, "theirs"
    def apply(self, ask):
        from routed_llm.policy.shapes import Effects
        return Effects(prefer=(self.model,))

class Mood:
    """A fact from nowhere."""
    name, gives = "mood", ("mood",)
    def read(self, request, driver):
        return {"mood": "merry"}

def theirs(longest=False):
    """Models by the length of their names."""
    return Policy("theirs", scorers={Letters(not longest): 1.0}, selector=Best("shortest name"))

def no_policy():
    return 7
'''
INNER = '''
class Letters:
    """The length of a model's name."""
    name, unit = "letters", "letters"
    def __init__(self, shortest=True):
        self.shortest = shortest
        self.lower_is_better = shortest
    def values(self, ask, candidates, live):
        return [float(len(d.served_model)) for d in candidates]
'''
POINTS = """
[routed_llm.strategies]
theirs = theirs:theirs
no_policy = theirs:no_policy
cheapest = theirs:theirs

[routed_llm.scorers]
letters = theirs:Letters

[routed_llm.filters]
only_short = theirs:OnlyShort

[routed_llm.selectors]
backwards = theirs:Backwards

[routed_llm.rules]
everybody = theirs:Everybody

[routed_llm.features]
mood = theirs:Mood
"""


def install(place, name, points, modules):
    """A package as installers leave it: its modules, and metadata beside them."""
    place.mkdir(exist_ok=True)
    for module, code in modules.items():
        (place / f"{module}.py").write_text(code, encoding="utf-8")
    info = place / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(points, encoding="utf-8")


def run(place, code):
    """What a fresh process with the packages on its path prints, as a list of lines, and what it warns of."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("COV_", "PYTEST"))}
    env["PYTHONPATH"] = os.pathsep.join([str(place), str(SRC)])
    beginning = "from routed_llm import Router, Policy\nfrom routed_llm.errors import ConfigurationError\n"
    done = subprocess.run(
        [sys.executable, "-c", beginning + dedent(code)], capture_output=True, text=True, env=env, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), done.stderr


@pytest.fixture
def packages(tmp_path):
    install(tmp_path / "site", "Their-Pieces", POINTS, {"theirs": PIECES, "theirs_inner": INNER})
    return tmp_path / "site"


def test_a_strategy_of_a_package_is_used_by_its_name_from_python_data_and_file(packages, tmp_path):
    (tmp_path / "routed.toml").write_text(
        'models = ["sandbox"]\nstrategy = { strategy = "theirs", longest = true }\n', encoding="utf-8"
    )
    lines, _ = run(
        packages,
        f"""
        for router in (Router("sandbox", "theirs"), Router("sandbox", {{"strategy": "theirs", "longest": True}}),
                       Router.from_config({str(tmp_path / "routed.toml")!r})):
            print(router.policy.name, router.policy.as_data()["scorers"])
        from routed_llm import RoutedChatModel, strategies
        print(RoutedChatModel("sandbox", strategy=strategies.theirs()).invoke("hi").response_metadata["routing"]["model"])
        """,
    )
    assert lines == [
        "theirs is imported",
        "theirs [{'use': 'letters', 'weight': 1.0}]",
        "theirs [{'use': 'letters', 'shortest': False, 'weight': 1.0}]",
        "theirs [{'use': 'letters', 'shortest': False, 'weight': 1.0}]",
        "sandbox:sandbox-small",
    ]


def test_pieces_of_every_kind_are_used_by_their_names_and_come_back_from_data(packages):
    lines, _ = run(
        packages,
        """
        import json
        table = {"scorers": [{"use": "letters", "weight": 2.0}], "filters": [{"use": "only_short", "most": 16}],
                 "selector": "backwards", "features": ["mood"],
                 "rules": [{"use": "everybody", "model": "sandbox"}, {"name": "m", "if": {"mood": "merry"}, "notify": "merry"}]}
        from routed_llm import RoutedLLM
        llm = RoutedLLM("sandbox", strategy=table)
        answer = llm.complete("hi")
        print(answer.additional_kwargs["routing"]["reason"])
        from routed_llm.policy.data import policy_from
        data = llm.router.policy.as_data()
        print(policy_from(json.loads(json.dumps(data))).version == llm.router.policy.version)
        print(json.dumps(data["rules"][0]), json.dumps(data["features"]))
        """,
    )
    assert lines[1].startswith("rule 'theirs', rule 'm', policy: ")
    assert lines[2] == "True"
    assert lines[3] == '{"use": "everybody", "model": "sandbox"} [{"use": "mood"}]'


def test_nothing_is_imported_before_it_is_asked_for_and_known_lists_it(packages):
    lines, warned = run(
        packages,
        """
        import sys
        from routed_llm.policy.registry import known
        Router("sandbox", "cheapest")
        print("importlib.metadata" in sys.modules and "theirs" in sys.modules)
        print("theirs" in known("strategies"), "letters" in known("scorers"), "mood" in known("features"))
        from routed_llm import strategies
        print("theirs" in dir(strategies), "theirs" in sys.modules)
        """,
    )
    assert lines == ["False", "True True True", "True False"]
    assert warned.count("'Their-Pieces' offers strategy 'cheapest', but that name is built in") == 1


def test_a_built_in_name_stays_what_it_is(packages):
    lines, _ = run(packages, 'print(Router("sandbox", ["cheapest"]).policy.scorers[0][0].name)')
    assert lines == ["cost"]


BROKEN = {
    "raises": ("broken:make", "1 / 0", "of the installed package 'Broken-Pieces' cannot be loaded: ZeroDivisionError"),
    "is not there": ("nowhere:make", "", "of the installed package 'Broken-Pieces' cannot be loaded: ModuleNotFoundError"),
    "has no such thing": ("broken:make", "", "of the installed package 'Broken-Pieces' cannot be loaded: AttributeError"),
    "no Python": ("broken:make", "def", "of the installed package 'Broken-Pieces' cannot be loaded: SyntaxError"),
    "nonsense": ("???", "", "of the installed package 'Broken-Pieces' cannot be loaded"),
    "no function": ("broken:make", "make = 7", "is 'int', no class and no function: broken:make must name what makes it"),
    "fails": ("broken:make", "def make(): {}['key']", "broken.make failed: KeyError: 'key'"),
    "gives no policy": ("broken:make", "def make(): return 7", "gave 7: a strategy is a function that gives a Policy"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_package_is_a_mistake_of_the_configuration_that_names_it(what, tmp_path):
    where, code, words = BROKEN[what]
    install(tmp_path / "site", "Broken-Pieces", f"[routed_llm.strategies]\nmine = {where}\n", {"broken": code})
    lines, _ = run(
        tmp_path / "site",
        """
        for strategy in ("mine", {"first": ["mine", "ordered"]}):
            try:
                Router("sandbox", strategy)
            except ConfigurationError as error:
                print(error)
        print(Router("sandbox", "cheapest").policy.name)
        """,
    )
    assert words in lines[0]
    assert lines[0].startswith("strategy: ")
    assert words in lines[1]
    assert lines[1].startswith("strategy.first[0]: ")
    assert lines[2] == "cheapest"


def test_metadata_that_cannot_be_read_hide_no_other_package(packages):
    install(packages, "Torn", "[routed_llm.strategies]\nthis line says nothing\n", {})
    lines, warned = run(packages, 'print(Router("sandbox", "theirs").policy.name)')
    assert lines[-1] == "theirs"
    assert "The entry points of the installed package 'Torn' cannot be read" in warned


def test_two_packages_with_one_name_are_refused_by_name(packages):
    install(packages, "Other", "[routed_llm.strategies]\ntheirs = theirs:no_policy\n", {})
    lines, _ = run(
        packages,
        """
        try:
            Router("sandbox", "theirs")
        except ConfigurationError as error:
            print(error)
        """,
    )
    assert "offered by more than one installed package: 'Other' and 'Their-Pieces'" in lines[0]


def test_a_package_that_is_found_twice_is_one(packages, tmp_path):
    install(tmp_path / "again", "Their-Pieces", POINTS.replace(" = ", "="), {})
    lines, _ = run(os.pathsep.join([str(packages), str(tmp_path / "again")]), 'print(Router("sandbox", "theirs").policy.name)')
    assert lines[-1] == "theirs"


def test_what_a_process_registers_comes_before_what_is_installed(packages):
    lines, _ = run(
        packages,
        """
        from routed_llm.policy.registry import register_as
        def mine(): return Policy("mine")
        register_as("strategies", "theirs", mine)
        print(Router("sandbox", "theirs").policy.name)
        """,
    )
    assert lines == ["mine"]


def test_the_command_checks_files_that_name_them(packages, tmp_path):
    (tmp_path / "good.toml").write_text('models = ["sandbox"]\nstrategy = "theirs"\n', encoding="utf-8")
    (tmp_path / "bad.toml").write_text('models = ["sandbox"]\nstrategy = "their"\n', encoding="utf-8")
    lines, _ = run(
        packages,
        f"""
        from click.testing import CliRunner
        from routed_llm.cli.main import main
        for name in ("good", "bad"):
            done = CliRunner().invoke(main, ["config", "check", {str(tmp_path)!r} + "/" + name + ".toml"])
            print(done.exit_code, " ".join(done.output.split()))
        """,
    )
    assert lines[0].startswith("0 ")
    assert lines[1].startswith("1 ")
    assert "unknown strategy 'their'. Did you mean 'theirs'?" in lines[1]


# What is registered in this process.


@pytest.fixture
def registered():
    before = {kind: dict(names) for kind, names in registry._registered.items()}
    yield registry.register_as
    for kind, names in before.items():
        registry._registered[kind].clear()
        registry._registered[kind].update(names)


class Piece:
    """Nothing."""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("scorer", "mine", Piece), "'scorer' is no kind of pieces: features, rules,"),
        (("scorers", "", Piece), "must be a non-empty text, not ''"),
        (("scorers", "mine", Piece()), "is no class and no function: register what makes the scorer"),
        (("scorers", "cost", Piece), "'cost' is built in; choose another name"),
    ],
)
def test_what_cannot_be_registered_is_refused(registered, arguments, words):
    with pytest.raises(ConfigurationError, match=words):
        registered(*arguments)


def test_a_name_is_taken_once_but_by_the_same_definition_again(registered):
    registered("scorers", "mine", Piece)
    registered("scorers", "mine", Piece)
    assert registry.find("scorers", "mine", "here") is Piece
    with pytest.raises(ConfigurationError, match="'mine' is registered already"):
        registered("scorers", "mine", json.loads)

    code = "class Rerun:\n    pass\n"
    first, second = {"__name__": "a_notebook"}, {"__name__": "a_notebook"}
    exec(code, first)
    exec(code, second)
    registered("scorers", "rerun", first["Rerun"])
    registered("scorers", "rerun", second["Rerun"])
    assert registry.find("scorers", "rerun", "here") is second["Rerun"]


def test_pieces_are_added_by_their_own_names(registered):
    class Letters:
        name, unit, lower_is_better = "letters", "", True

        def values(self, ask, candidates, live):
            return [0.0] * len(candidates)

    def thrifty():
        return "cheapest"

    registry.register(Letters, thrifty)
    assert registry.find("scorers", "letters", "here") is Letters
    assert registry.find("strategies", "thrifty", "here") is thrifty
    assert "letters" in registry.known("scorers")


@pytest.mark.parametrize("piece", [Piece, Piece(), "cheapest"], ids=["no piece", "no class", "a text"])
def test_what_is_no_piece_is_not_added(registered, piece):
    with pytest.raises(ConfigurationError, match=r"is neither a function that makes a strategy nor a class with a name"):
        registry.register(piece)
