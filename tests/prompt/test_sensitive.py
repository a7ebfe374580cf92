"""Sensitive data: what is found, what is left alone, and that no text makes it slow."""

import random
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routed_llm.policy.features.sensitivity import sensitivity_of
from routed_llm.prompt.sensitive import classes_of, find_sensitive

FOUND = [
    ("mail me at jane.doe+x@mail.co.uk today", "email", "jane.doe+x@mail.co.uk"),
    ("call +49 151 23456789", "phone", "+49 151 23456789"),
    ("ring (555) 867-5309 after six", "phone", "(555) 867-5309"),
    ("mein Handy: 0151 23456789", "phone", "0151 23456789"),
    ("mon numéro 06 12 34 56 78", "phone", "06 12 34 56 78"),
    ("phone 8675309", "phone", "8675309"),
    ("she lives at 221 Baker Street, London", "address", "221 Baker Street"),
    ("my address: Hauptstraße 12, 10115 Berlin", "address", "Hauptstraße 12"),
    ("j'habite au 12 rue de la Paix", "address", "12 rue de la Paix"),
    ("vivo en Calle Mayor 5", "address", "Calle Mayor 5"),
    ("my postcode is NW1 6XE", "postcode", "NW1 6XE"),
    ("I was born on 12 March 1984", "birth_date", "12 March 1984"),
    ("DOB: 03/12/1984", "birth_date", "03/12/1984"),
    ("geboren am 3.12.1984 in Ulm", "birth_date", "3.12.1984"),
    ("passport number C01X00T47", "passport", "C01X00T47"),
    ("banned user from 81.2.69.142 again", "ip_address", "81.2.69.142"),
    ("I was diagnosed with diabetes", "condition", "diabetes"),
    ("My mother takes metformin daily", "condition", "metformin"),
    ("ich habe Depressionen", "condition", "Depressionen"),
    ("je souffre de migraine et d'anxiété", "condition", "anxiété"),
    ("tengo cáncer", "condition", "cáncer"),
    ("the patient presents with pneumonia", "condition", "pneumonia"),
    ("patient MRN 12345678 was discharged", "medical_record", "12345678"),
    ("Diagnosis: E11.9, admitted", "icd10", "E11.9"),
    ("account number 12345678", "account", "12345678"),
    ("my salary is $120,000 before tax", "income", "$120,000"),
    ("ich verdiene 4.200 Euro", "income", "4.200 Euro"),
    ("CVV 123", "card_code", "123"),
    ("use sk-proj-abcDEF1234567890abcDEF1234", "api_key", "sk-proj-abcDEF1234567890abcDEF1234"),
    ("AKIAIOSFODNN7EXAMPLE", "aws_key", "AKIAIOSFODNN7EXAMPLE"),
    ("token ghp_" + "a1B2" * 9, "github_token", "ghp_" + "a1B2" * 9),
    ("xoxb-123456789012-abcdefGHIJ", "slack_token", "xoxb-123456789012-abcdefGHIJ"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmN", "jwt", None),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "private_key", None),
    ("postgres://bob:s3cretpw@db.internal/x", "credentials", "postgres://bob:s3cretpw@db.internal"),
    ("DB_PASSWORD=tr0ub4dor&3", "password", "tr0ub4dor&3"),
    ('{"password": "correcthorse"}', "password", "correcthorse"),
    ("my password is hunter22", "password", "hunter22"),
    ("mein Passwort lautet Sommer2024!", "password", "Sommer2024!"),
    ("Authorization: Bearer a8Fk39dkQ0zLmP4x7Tt", "bearer_token", "a8Fk39dkQ0zLmP4x7Tt"),
]
INNOCENT = (Path(__file__).parent / "innocent.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(("text", "kind", "part"), FOUND)
def test_what_is_found(text, kind, part):
    found = [f for f in find_sensitive(text) if f.kind == kind]
    assert found
    assert part is None or part in [text[f.start : f.end] for f in found]


def orders(count):
    """Numbers of orders, parcels, prices and times, as shops write them."""
    rng = random.Random(11)
    forms = (
        "Order {:08d} was cancelled",
        "Parcel {:012d} is late",
        "Ticket #{:06d}: printer jams",
        "Price {:.2f} for {:d} units",
    )
    forms += (
        "Run {:d} took {:.3f} s",
        "Batch {:04d}-{:04d} failed",
        "id={:010d}",
        "Row {:d}, column {:d}",
        "Item {:05d}/{:03d}",
    )
    for number in range(count):
        form = forms[number % len(forms)]
        yield (
            form.format(rng.randrange(10**5), rng.randrange(1000))
            if form.count("{") == 2
            else form.format(rng.randrange(10**10))
        )


def test_innocent_texts_are_left_alone():
    """At most 1 in 100 of more than 200 texts of code, mathematics, orders and prose."""
    texts = [*INNOCENT, *orders(90)]
    assert len(texts) >= 200
    wrong = {text: find_sensitive(text) for text in texts if find_sensitive(text)}
    assert len(wrong) <= len(texts) // 100, wrong


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("nothing here", ()),
        ("IBAN DE89 3704 0044 0532 0130 00", ("personal", "finance")),
        ("card 4111 1111 1111 1111, password=tr0ub4dor&3", ("personal", "finance", "secret")),
        ("I have asthma, mail me: a.b@mail.org", ("personal", "health")),
    ],
)
def test_classes_in_their_order(text, classes):
    assert classes_of(text) == classes


def test_the_whole_transcript_is_read_to_its_end():
    long = "a harmless line of prose\n" * 20_000 + "my card is 4111 1111 1111 1111"
    assert sensitivity_of(["hello", long]) == ("personal", "finance")
    assert sensitivity_of([]) == ()


def test_places_fit_whatever_stands_before():
    text = "\U0001f600 İ \ud800 \x00 ①② I have diabetes, card 4111\u20114111".replace(
        "4111\u20114111", "4111\u00a01111\u20111111 1111"
    )
    parts = {f.kind: text[f.start : f.end] for f in find_sensitive(text)}
    assert parts == {"condition": "diabetes", "card": "4111\u00a01111\u20111111 1111"}


UNITS = (
    *("1 ", "1234 ", "1-", "4111 ", "a@", "a@b.", "password=", "password: x", "-----BEGIN ", "-----BEGIN RSA PRIVATE KEY-----"),
    *(
        "eyJaaaaaaaa.",
        "://",
        "a://b:c",
        "my diabetes ",
        "patient icd A00 ",
        "born 1 jan ",
        "passport A",
        "P<AAA<",
        "my salary is ",
    ),
    *(
        "account number 1 ",
        "+1",
        "(1",
        "1.1.1.",
        "12 rue ",
        "12 Aaaa Bbbb ",
        "Straße 1 ",
        "DE89 ",
        "AB12 34 ",
        "sk-ant-",
        "SG.",
    ),
    *("Bearer aaaaaaaaaaaaaaaa ", "call me at ", "\u200b", "中", "\ud800", "\x00", "A1B2", "AAAAAA11A11A111", "my ", " ", "0"),
)


@pytest.mark.parametrize("unit", UNITS)
def test_no_text_makes_it_slow(unit):
    text = (unit * (100_000 // len(unit) + 1))[:100_000]
    start = time.process_time()
    find_sensitive(text)
    assert time.process_time() - start < 2.5


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.text(max_size=20), st.sampled_from(UNITS)), max_size=30).map("".join))
def test_it_never_raises_and_gives_places_in_the_text(text):
    last = -1
    for finding in find_sensitive(text):
        assert 0 <= finding.start < finding.end <= len(text)
        assert finding.start >= last
        last = finding.start
    assert set(classes_of(text)) <= {"personal", "health", "finance", "secret"}
