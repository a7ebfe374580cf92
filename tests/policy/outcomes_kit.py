"""Recorded outcomes of real models, where they are at hand; the scripts that work with them as modules."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "routing"
for _place in (ROOT / "scripts", ROOT / "scripts" / "outcomes"):
    if str(_place) not in sys.path:
        sys.path.append(str(_place))


def need_data():
    """Skip the test where the recorded outcomes are not there."""
    if not (DATA / "routing_dev.jsonl.gz").is_file():
        pytest.skip(f"the recorded outcomes are not here: {DATA}")


def recorded(name):
    """One data set."""
    need_data()
    from recordings import read

    return read(DATA, (name,))[0]
