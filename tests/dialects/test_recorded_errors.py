"""Recorded errors of all dialects and kinds: the class of each."""

import pytest
from recorded import DATA, MISSING, exchanges, payload

from routed_llm.dialects.errors import error_of

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=MISSING)


def test_errors_get_the_right_class():
    count, misses = 0, {}
    for exchange in exchanges(kind=None):
        expected, response = exchange["expected"], exchange["response"]
        if not expected.get("error_class") or response["status"] == 200:
            continue
        count += 1
        kind = error_of(response["status"], response["headers"], payload(exchange)).kind
        allowed = {expected["error_class"], *(expected.get("error_alt") or [])}
        if kind == "unsupported_parameter":
            kind = "bad_request"  # a finer class of the same
        if kind not in allowed:
            misses[exchange["id"]] = (kind, allowed)
    assert count > 60
    assert not misses, misses
