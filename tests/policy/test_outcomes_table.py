"""The page of strategies on recorded outcomes is what the data and the strategies of this version give."""

import re
import xml.etree.ElementTree as ET
from functools import cache

import pytest
from outcomes_kit import DATA, ROOT, need_data, recorded

PAGE = ROOT / "docs" / "strategies-outcomes.md"
SETS = ("routellm_mmlu", "routellm_gsm8k", "mmlu_pro", "zeroeval_gsm", "zeroeval_math-l5", "llmrouter")


@cache
def page():
    return PAGE.read_text(encoding="utf-8")


def sections():
    return dict(re.findall(r"^### (\S+)\n\n(.*?)(?=^### |\Z)", page(), re.DOTALL | re.MULTILINE))


def test_the_page_names_data_licences_and_dates():
    found = sections()
    assert tuple(found) == SETS
    for text in found.values():
        for told in (r"Source: \S+", r"Licence: \S+", r"Answers of 20\d\d", r"Cost: \S+"):
            assert re.search(told, text)
    assert "routerbench" not in page()


def test_auto_lies_on_or_above_the_line_on_every_data_set():
    table = page().split("## `auto` by prices alone")[1].split("\n## ")[0]
    heights = re.findall(
        r"^\| (\S+) \| [^|]+ \| [\d.]+ \| ([+-][\d.]+) \| \S+ to ([+-][\d.]+) \| ([+-][\d.]+) \|$", table, re.MULTILINE
    )
    assert tuple(name for name, *_ in heights) == SETS
    for _, height, most, left_out in heights:
        assert min(float(height), float(most), float(left_out)) >= 0
    for text in sections().values():
        row = re.search(r"^\| `auto`, prices and qualities known \| \S+ \| \S+ \| ([+-][\d.]+)", text, re.MULTILINE)
        assert float(row[1]) >= 0


def test_one_data_set_recomputed():
    data = recorded("zeroeval_math-l5")
    from contest import panel
    from write_strategies_table import section

    assert section(panel(data)).strip() == f"### {data.name}\n\n{sections()[data.name]}".strip()


def test_the_picture_shows_every_data_set_and_strategy():
    tree = ET.parse(PAGE.with_suffix(".svg"))
    texts = [element.text or "" for element in tree.iter("{http://www.w3.org/2000/svg}text")]
    for name in SETS:
        assert any(text.startswith(f"{name}: ") for text in texts)
    assert any("auto, prices and qualities known" in text for text in texts)
    assert "prefers-color-scheme: dark" in PAGE.with_suffix(".svg").read_text(encoding="utf-8")


@pytest.mark.long
def test_the_thresholds_are_those_of_the_calibration():
    need_data()
    import json

    from calibrate_auto import OUT, found, measured
    from recordings import read

    assert json.loads(OUT.read_text(encoding="utf-8")) == json.loads(json.dumps(found([measured(each) for each in read(DATA)])))
