"""Numbers with check digits are found, and are not found once a digit was changed."""

import pytest
import valid_numbers as valid
from hypothesis import given, settings
from hypothesis import strategies as st

from routed_llm.prompt.sensitive import checksums, classes_of, find_sensitive

#: kind, maker of right numbers, and the sentence they stand in; all of these checks notice every single wrong digit
KINDS = [
    ("card", valid.cards(), "my card is {}, thanks"),
    ("iban", valid.ibans(), "transfer to {} today"),
    ("iban", valid.ibans("NL", 18), "naar {} graag"),
    ("uk_nhs", valid.nhs_numbers(), "NHS number {}"),
    ("pl_pesel", valid.pesels(), "PESEL: {}."),
    ("es_dni", valid.dnis(), "con DNI {}, por favor"),
    ("fr_nir", valid.nirs(), "sécu {} merci"),
    ("in_aadhaar", valid.aadhaars(), "aadhaar {}"),
    ("de_steuer_id", valid.steuer_ids(), "Steuer-ID {}"),
    ("br_cpf", valid.cpfs(), "CPF {}"),
]


def kinds(text):
    return {finding.kind for finding in find_sensitive(text)}


def changed(number, place, step):
    """The number with one digit replaced by another one."""
    places = [i for i, sign in enumerate(number) if sign.isdigit()]
    at = places[place % len(places)]
    return f"{number[:at]}{(int(number[at]) + step) % 10}{number[at + 1 :]}"


@pytest.mark.parametrize(("kind", "numbers", "sentence"), KINDS, ids=lambda value: value if isinstance(value, str) else "")
def test_right_numbers_are_found_and_wrong_ones_are_not(kind, numbers, sentence):
    @settings(max_examples=60, deadline=None)
    @given(numbers, st.integers(0, 30), st.integers(1, 9))
    def check(number, place, step):
        text = sentence.format(number)
        found = [f for f in find_sensitive(text) if text[f.start : f.end] == number]
        # a number may fit two forms; that it is found as somebody's is what counts
        assert found
        if kind not in {f.kind for f in found}:
            assert kind in ("pl_pesel", "br_cpf", "fr_nir")
        assert kind not in kinds(sentence.format(changed(number, place, step))) or kind == "br_cpf"

    check()


@pytest.mark.parametrize(
    ("check", "right"),
    [
        (checksums.card, "378282246310005"),
        (checksums.card, "5555555555554444"),
        (checksums.card, "6011111111111117"),
        (checksums.iban, "GB82WEST12345698765432"),
        (checksums.iban, "FR1420041010050500013M02606"),
        (checksums.nhs, "9434765919"),
        (checksums.bsn, "111222333"),
        (checksums.pesel, "44051401359"),
        (checksums.cpf, "52998224725"),
        (checksums.aadhaar, "234123412346"),
        (checksums.steuer_id, "86095742719"),
        (checksums.nir, "269054958815780"),
        (checksums.ahv, "7569217076985"),
        (checksums.tc_kimlik, "10000000146"),
        (checksums.personnummer, "8112189876"),
        (checksums.resident_id, "11010519491231002X"),
        (checksums.dni, "12345678Z"),
        (checksums.dni, "X1234567L"),
        (checksums.hetu, "131052308T"),
        (checksums.codice_fiscale, "RSSMRA85T10A562S"),
    ],
)
def test_published_examples(check, right):
    assert check(right)
    assert not check(changed(right, len(right) // 2, 1))


@pytest.mark.parametrize("number", ["000-12-3456", "666-12-3456", "900-12-3456", "123-00-4567", "123-45-0000", "078-05-1120"])
def test_social_security_numbers_that_are_never_given(number):
    assert "us_ssn" not in kinds(f"my ssn is {number}")


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("4111 1111 1111 1111 exp 12/27", "card"),
        ("4111-1111-1111-1111", "card"),
        ("3782 822463 10005", "card"),
        ("DE89 3704 0044 0532 0130 00", "iban"),
        ("de89370400440532013000", "iban"),
        ("GB82 WEST 1234 5698 7654 32", "iban"),
        ("536-22-8127", "us_ssn"),
        ("my social security number: 536228127", "us_ssn"),
        ("2 69 05 49 588 157 80", "fr_nir"),
        ("529.982.247-25", "br_cpf"),
        ("2341 2341 2346", "in_aadhaar"),
        ("756.9217.0769.85", "ch_ahv"),
        ("131052-308T", "fi_hetu"),
        ("AB 12 34 56 C", "uk_nino"),
        ("12345678-Z", "es_dni"),
        ("burgerservicenummer 111222333", "nl_bsn"),
        ("\uff14\uff11\uff11\uff11 \uff11\uff11\uff11\uff11 \uff11\uff11\uff11\uff11 \uff11\uff11\uff11\uff11", "card"),
        ("4111\u00a01111\u00a01111\u00a01111", "card"),
    ],
)
def test_ways_of_writing(written, kind):
    text = f"Please note: {written} (mine)"
    found = [f for f in find_sensitive(text) if f.kind == kind]
    assert len(found) == 1
    assert text[found[0].start : found[0].end] in written
    assert classes_of(text)
