"""Somebody's money: account numbers and incomes, each behind a word for it (IBANs and cards are found by check digits)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from routed_llm.prompt.sensitive.finding import Finding
from routed_llm.prompt.words import vocabulary

__all__ = ["CUES", "money"]

#: without one of these words there is nothing to look for
CUES = vocabulary(
    "account acct accounts routing sort konto kontonummer bankleitzahl blz compte cuenta conto conta salary salaries "
    "earn earns income wage wages gehalt verdiene verdient einkommen salaire gagne sueldo salario gano stipendio "
    "salário ganho debt debts mortgage schulden dettes deudas net balance bonus pin cvv cvc steuernummer tax swift bic"
)
_ACCOUNT = re.compile(
    r"\b(?:(?:bank )?(?:account|acct)\.?(?: ?(?:number|num|no|nr)\.?| ?#)|routing(?: number| no\.?)?|sort code"
    r"|kontonummer|konto(?:-?nr\.?)?|"
    r"bankleitzahl|blz|num[ée]ro de compte|n[úu]mero de cuenta|cuenta(?: bancaria)?|conta (?:corrente|banc[áa]ria)"
    r"|numero di conto|"
    r"steuernummer|tax id|tin)\b[^\d\n]{0,20}(?P<value>[0-9][0-9 \-/.]{4,22}[0-9])",
    re.IGNORECASE,
)
_PIN = re.compile(
    r"\b(?:pin|cvv|cvc|cvv2)\b(?: code| number)?[^\w\n]{0,4}(?:is|ist|es|est)?[ :=]{0,3}(?P<value>[0-9]{3,6})(?!\w)",
    re.IGNORECASE,
)
_AMOUNT = (
    r"(?:[$€£]|usd|eur|gbp|chf)? ?[0-9]{1,3}(?:[.,' ]?[0-9]{3}){0,3}(?:[.,][0-9]{2})?"
    r"(?: ?(?:k\b|[$€£]|usd|euros?|eur|dollars?|pounds|gbp|chf))?"
)
_INCOME = re.compile(
    r"\b(?:(?:my|his|her|our|their|current|annual|monthly|gross|net|base|mein|sein|ihr|unser|mon|son|notre|mi|su|il "
    r"mio|meu)"
    r"(?: \w+){0,2} (?:salary|income|wage|pay|bonus|debts?|mortgage|net worth|balance|gehalt|einkommen|schulden"
    r"|salaire|revenus?|sueldo|"
    r"salario|deudas?|stipendio|sal[áa]rio)|(?:i|he|she|we) earns?|i make|ich verdiene|(?:je|il|elle) gagne|(?:yo "
    r")?gano|eu ganho)"
    rf"\b[^\d\n$€£]{{0,25}}(?P<value>{_AMOUNT})",
    re.IGNORECASE,
)


def money(text: str) -> Iterator[Finding]:
    """Account numbers, card codes and incomes."""
    for kind, pattern in (("account", _ACCOUNT), ("card_code", _PIN), ("income", _INCOME)):
        for match in pattern.finditer(text):
            value = match["value"]
            digits = sum(map(str.isdigit, value))
            if (
                (kind == "account" and digits >= 6)
                or kind == "card_code"
                or (kind == "income" and digits >= 2 and text[match.end() : match.end() + 1] != "%")
            ):
                yield Finding(kind, "finance", match.start("value"), match.end("value"))
