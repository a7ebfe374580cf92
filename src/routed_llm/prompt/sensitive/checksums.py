"""Check digits of numbers that people carry: each function takes plain digits (letters in upper case) and says if they fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from string import ascii_uppercase

__all__ = [
    "aadhaar",
    "ahv",
    "bsn",
    "card",
    "codice_fiscale",
    "cpf",
    "dni",
    "hetu",
    "iban",
    "luhn",
    "mod97",
    "nhs",
    "nir",
    "pesel",
    "personnummer",
    "resident_id",
    "ssn",
    "steuer_id",
    "tc_kimlik",
]

#: countries of the IBAN registry (SWIFT) and the lengths of their numbers
_LENGTHS = """
AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 DE:22 DK:18 DO:28 EE:20 EG:29
ES:24 FI:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 HR:21 HU:28 IE:22 IL:23 IQ:23 IS:26 IT:27 JO:30 KW:30 KZ:20
LB:28 LC:32 LI:21 LT:20 LU:20 LV:21 LY:25 MC:27 MD:24 ME:22 MK:19 MR:27 MT:31 MU:30 NL:18 NO:15 PK:24 PL:28 PS:29 PT:25
QA:29 RO:24 RS:22 SA:24 SC:31 SD:18 SE:24 SI:19 SK:24 SM:27 ST:25 SV:28 TL:23 TN:24 TR:26 UA:29 VA:22 VG:24 XK:20
"""
IBAN_LENGTHS = {entry[:2]: int(entry[3:]) for entry in _LENGTHS.split()}
# the dihedral group of order ten (Verhoeff, 1969): product of two digits, and the permutation of the second place
_VERHOEFF_PRODUCT = [
    [
        (j + i) % 5 if i < 5 and j < 5 else 5 + (i + j) % 5 if i < 5 else 5 + (i - j) % 5 if j < 5 else (i - j) % 5
        for j in range(10)
    ]
    for i in range(10)
]
_VERHOEFF_PERMUTATION = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
_LUHN_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_HETU_SIGNS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
# what a character at an odd place of an Italian tax code counts; digits count as the letters A to J
_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


def _weighted(digits: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def luhn(digits: str) -> bool:
    """ISO/IEC 7812: every second digit from the right is doubled, the sum of all digits ends in 0."""
    total = sum(map(int, digits[-1::-2])) + sum(_LUHN_DOUBLED[int(digit)] for digit in digits[-2::-2])
    return total % 10 == 0


def card(digits: str) -> bool:
    """A payment card: prefix and length of Visa, Mastercard, American Express, Discover, Diners, JCB, UnionPay, Maestro."""
    length, two, four = len(digits), int(digits[:2] or 0), int(digits[:4] or 0)
    known = (
        (digits[:1] == "4" and length in (13, 16, 19))
        or (length == 16 and (51 <= two <= 55 or 2221 <= four <= 2720 or two == 65 or four == 6011 or 3528 <= four <= 3589))
        or (length == 15 and two in (34, 37))
        or (length == 14 and (two in (36, 38, 39) or 3000 <= four <= 3059))
        or (16 <= length <= 19 and two == 62)
        or (12 <= length <= 19 and four in (5018, 5020, 5038, 6304, 6759, 6761, 6762, 6763))
    )
    return known and len(set(digits)) > 1 and luhn(digits)


def mod97(text: str) -> int:
    """Remainder of a text in which letters count as 10 to 35 (ISO 7064)."""
    return int("".join(str(int(sign, 36)) for sign in text)) % 97


def iban(text: str) -> bool:
    """An IBAN without spaces, in upper case: ISO 13616."""
    return IBAN_LENGTHS.get(text[:2]) == len(text) and mod97(text[4:] + text[:4]) == 1


def ssn(digits: str) -> bool:
    """A US social security number has no check digit; areas 000, 666, 900 to 999, group 00 and serial 0000 are never given."""
    area = digits[:3]
    given = area not in ("000", "666") and area[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"
    # the number of a well-known advertisement, and the sample numbers of the administration
    return given and digits not in ("078051120", "219099999", "123456789") and len(set(digits)) > 1


def nhs(digits: str) -> bool:
    """UK National Health Service number: modulus 11."""
    check = 11 - _weighted(digits[:9], range(10, 1, -1)) % 11
    return len(set(digits)) > 1 and check % 11 == int(digits[9]) and check != 10


def bsn(digits: str) -> bool:
    """Dutch citizen service number: the "eleven test" with -1 for the last digit."""
    return len(set(digits)) > 1 and _weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def _date(year: int, month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31 and year >= 0


def pesel(digits: str) -> bool:
    """Polish PESEL: a date of birth (the century hides in the month) and a weighted sum."""
    right = _date(int(digits[:2]), int(digits[2:4]) % 20, int(digits[4:6]))
    return right and _weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def cpf(digits: str) -> bool:
    """Brazilian CPF: two check digits, each modulus 11."""
    first = _weighted(digits[:9], range(10, 1, -1)) * 10 % 11 % 10
    second = _weighted(digits[:10], range(11, 1, -1)) * 10 % 11 % 10
    return len(set(digits)) > 1 and digits[9:] == f"{first}{second}"


def aadhaar(digits: str) -> bool:
    """Indian Aadhaar: begins with 2 to 9, Verhoeff's check digit."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        for _ in range(place % 8):
            value = _VERHOEFF_PERMUTATION[value]
        check = _VERHOEFF_PRODUCT[check][value]
    return digits[0] > "1" and check == 0 and len(set(digits)) > 1


def steuer_id(digits: str) -> bool:
    """German tax number of a person: one digit of the first ten occurs twice or thrice, ISO 7064 modulus 11, 10."""
    counts = sorted((digits[:10].count(digit) for digit in set(digits[:10])), reverse=True)
    if digits[0] == "0" or counts[0] not in (2, 3) or (len(counts) > 1 and counts[1] > 1):
        return False
    product = 10
    for digit in digits[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def nir(digits: str) -> bool:
    """French social security number with its key: sex, year, month, place, and 97 minus the remainder by 97."""
    month = int(digits[3:5])
    return digits[0] in "12" and (1 <= month <= 12 or 20 <= month <= 42) and 97 - int(digits[:13]) % 97 == int(digits[13:])


def ahv(digits: str) -> bool:
    """Swiss social insurance number: begins with 756, check digit of EAN-13."""
    return digits[:3] == "756" and _weighted(digits, (1, 3) * 6 + (1,)) % 10 == 0


def tc_kimlik(digits: str) -> bool:
    """Turkish identity number: two check digits of sums."""
    numbers = [int(digit) for digit in digits]
    first = (sum(numbers[0:9:2]) * 7 - sum(numbers[1:8:2])) % 10
    return numbers[0] > 0 and first == numbers[9] and sum(numbers[:10]) % 10 == numbers[10]


def personnummer(digits: str) -> bool:
    """Swedish personal number of ten digits: a date (days of co-ordination numbers are 60 higher) and Luhn's check digit."""
    return _date(0, int(digits[2:4]), int(digits[4:6]) % 60) and luhn(digits)


def resident_id(text: str) -> bool:
    """Chinese resident number: a date of birth and ISO 7064 modulus 11, 2; the last sign may be X."""
    right = _date(int(text[6:10]), int(text[10:12]), int(text[12:14])) and text[6:8] in ("19", "20")
    check = _weighted(text[:17], (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)) % 11
    return right and "10X98765432"[check] == text[17]


def dni(text: str) -> bool:
    """Spanish DNI (eight digits and a letter) or NIE (X, Y or Z, seven digits and a letter): remainder by 23."""
    number = text[:-1].replace("X", "0", 1).replace("Y", "1", 1).replace("Z", "2", 1)
    return number.isdigit() and _DNI_LETTERS[int(number) % 23] == text[-1]


def hetu(text: str) -> bool:
    """Finnish personal identity code without its sign of the century: a date, three digits and a sign, remainder by 31."""
    return _date(0, int(text[2:4]), int(text[:2])) and _HETU_SIGNS[int(text[:9]) % 31] == text[9]


def codice_fiscale(text: str) -> bool:
    """Italian tax code: values of signs at odd and even places, remainder by 26."""
    values = [int(sign) if sign.isdigit() else ord(sign) - 65 for sign in text[:15]]
    total = sum(_ODD[value] if place % 2 == 0 else value for place, value in enumerate(values))
    return ascii_uppercase[total % 26] == text[15]


#: what a table of numbers holds: a function of digits
Check = Callable[[str], bool]
