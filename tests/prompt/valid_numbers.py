"""Numbers with right check digits, made by the rules as they are published, independently of the detectors."""

from hypothesis import strategies as st

digits = st.integers(0, 9)


def _join(numbers):
    return "".join(map(str, numbers))


@st.composite
def cards(draw):
    """A Visa number: the check digit makes the Luhn sum a multiple of ten."""
    body = [4, *draw(st.lists(digits, min_size=14, max_size=14))]
    total = 0
    for place, digit in enumerate(body):
        doubled = digit * 2 if place % 2 == 0 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return _join([*body, -total % 10])


@st.composite
def ibans(draw, country="DE", length=22):
    """A German IBAN: 98 less the remainder by 97 of the number with the country as digits and 00 behind it."""
    body = _join(draw(st.lists(digits, min_size=length - 4, max_size=length - 4)))
    value = int(body + "".join(str(ord(letter) - 55) for letter in country) + "00")
    return f"{country}{98 - value % 97:02d}{body}"


@st.composite
def nhs_numbers(draw):
    """Nine digits times 10 to 2, 11 less the remainder by 11; 10 is no check digit."""
    while True:
        body = draw(st.lists(digits, min_size=9, max_size=9).filter(lambda d: len(set(d)) > 1))
        check = (11 - sum(d * w for d, w in zip(body, range(10, 1, -1), strict=True)) % 11) % 11
        if check < 10:
            return _join([*body, check])
        body[8] = (body[8] + 1) % 10
        check = (11 - sum(d * w for d, w in zip(body, range(10, 1, -1), strict=True)) % 11) % 11
        if check < 10:
            return _join([*body, check])


@st.composite
def pesels(draw):
    """A birth day in the 20th century, a serial and a weighted check digit."""
    year, month, day = draw(st.integers(0, 99)), draw(st.integers(1, 12)), draw(st.integers(1, 28))
    body = [int(sign) for sign in f"{year:02d}{month:02d}{day:02d}{draw(st.integers(0, 9999)):04d}"]
    weights = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)
    return _join([*body, (10 - sum(d * w for d, w in zip(body, weights, strict=True)) % 10) % 10])


@st.composite
def cpfs(draw):
    """Nine digits and two check digits: 11 less the remainder by 11, or 0 where that is above 9."""
    body = draw(st.lists(digits, min_size=9, max_size=9).filter(lambda d: len(set(d)) > 1))
    for first in (10, 11):
        rest = sum(d * w for d, w in zip(body, range(first, 1, -1), strict=True)) % 11
        body = [*body, 0 if rest < 2 else 11 - rest]
    return _join(body)


@st.composite
def dnis(draw):
    """Eight digits and the letter of their remainder by 23."""
    number = draw(st.integers(0, 99_999_999))
    return f"{number:08d}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"


@st.composite
def nirs(draw):
    """Sex, year, month, department, place and order, then 97 less the remainder by 97."""
    parts = (
        st.integers(1, 2),
        st.integers(0, 99),
        st.integers(1, 12),
        st.integers(1, 95),
        st.integers(1, 999),
        st.integers(1, 999),
    )
    sex, year, month, department, place, order = (draw(part) for part in parts)
    body = f"{sex}{year:02d}{month:02d}{department:02d}{place:03d}{order:03d}"
    return f"{body}{97 - int(body) % 97:02d}"


#: the multiplication, permutation and inverse tables of Verhoeff's method, written out
_D = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_P = ("0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258")
_INVERSE = "0432156789"


@st.composite
def aadhaars(draw):
    """Eleven digits, the first one 2 to 9, and Verhoeff's check digit."""
    body = [draw(st.integers(2, 9)), *draw(st.lists(digits, min_size=10, max_size=10))]
    check = 0
    for place, digit in enumerate(reversed(body), 1):
        check = int(_D[check][int(_P[place % 8][digit])])
    return _join([*body, int(_INVERSE[check])])


@st.composite
def steuer_ids(draw):
    """Ten digits of which exactly one occurs twice, and the check digit of ISO 7064, modulus 11, 10."""
    order = draw(st.permutations(range(10)))
    body = list(order[:9])
    body.insert(draw(st.integers(0, 9)), draw(st.sampled_from(body)))
    if body[0] == 0:
        swap = next(i for i, digit in enumerate(body) if digit)
        body[0], body[swap] = body[swap], body[0]
    product = 10
    for digit in body:
        total = (digit + product) % 10 or 10
        product = 2 * total % 11
    check = 11 - product
    return _join([*body, 0 if check == 10 else check])
