"""How long the answer will be: what the wording asks for ("in one sentence", "2,000 words"), else what such tasks take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from routed_llm.driver import Driver
from routed_llm.policy.features.answer_wording import asked_tokens
from routed_llm.prompt.estimate import CHARACTERS_PER_TOKEN, TYPICAL_ANSWER
from routed_llm.prompt.words import Words, spoken, vocabulary
from routed_llm.requests import Request

__all__ = ["Length", "answer_length"]

#: tokens from which an answer is no longer short, and from which it is long
SHORT, LONG = 120, 700
#: no wording makes an answer longer than this
_MOST = 16_000
#: tokens of "yes", a name or a number
_BRIEF_ANSWER = 5.0

_BRIEF = re.compile(
    r"\b(?:yes or no|yes/no|true or false|one word|single word|just the (?:answer|number|name|result)|only the "
    r"(?:answer|number|name|result|label)|answer only|no explanation|"
    r"ja oder nein|nur (?:die (?:antwort|zahl)|das ergebnis|der name)|ein wort|oui ou non|un (?:seul )?mot|seulement "
    r"la réponse|sí o no|una (?:sola )?palabra|solo la respuesta)\b"
)
_BRIEF_WORDS = vocabulary("yes word only just explanation true nein nur wort oui mot seulement sí palabra solo")
_SHORTLY = vocabulary(
    "brief briefly short concise concisely tldr shortly quick quickly succinct kurz kurze knapp kompakt bref brièvement "
    "court courte concis breve brevemente corto corta concisa"
)
_AMPLY = vocabulary(
    "detailed detail comprehensive thorough thoroughly extensive elaborate exhaustive lengthy long full complete depth "
    "ausführlich ausführliche detailliert detaillierte umfassend umfassende lang langen lange détaillé détaillée "
    "approfondi approfondie complet long détail detallado detallada completo completa extenso larga largo"
)
_LONG_FORMS = {
    form: tokens
    for tokens, forms in (
        (1_200, "essay article blog report tutorial guide documentation speech script aufsatz artikel bericht anleitung"),
        (1_200, "dissertation rede rapport discours ensayo artículo informe guía discurso"),
        (1_500, "story chapter novel screenplay proposal business thesis geschichte histoire nouvelle cuento"),
        (4_000, "book novella roman buch livre libro"),
        (350, "letter email mail brief lettre carta correo plan plans summary recipe cover application review"),
        (200, "poem song lyrics gedicht lied poème chanson poema canción paragraph"),
        (60, "haiku limerick tweet slogan tagline title headline name subject caption joke witz titel titre"),
    )
    for form in forms.split()
}  # fmt: skip
_WRITE = vocabulary(
    "write draft compose create prepare generate produce make tell schreibe schreib verfasse erstelle entwirf écris "
    "rédige rédiger compose escribe redacta crea hazme"
)
_CODE = vocabulary(
    "implement code function class script program refactor algorithm query sql regex component api unittest funktion "
    "programm skript fonction programme función programa"
)
_AS_LONG = vocabulary(
    "translate rewrite rephrase paraphrase proofread correct polish convert edit übersetze übersetzen umformulieren "
    "korrigiere traduis traduire corrige reformule traduce reescribe corrija"
)
_SUMMARY = vocabulary(
    "summarize summarise summary tldr condense zusammenfassen zusammenfassung fasse résume résumé résumer resume "
    "resumir resumen"
)
_LABEL = vocabulary("classify categorize categorise label sentiment spam klassifiziere kategorisiere classifie clasifica")
_EXPLAIN = vocabulary(
    "explain describe compare discuss analyze analyse how why erkläre beschreibe vergleiche wie warum explique décris "
    "compare comment pourquoi explica describe compara cómo qué"
)
_FACT = vocabulary(
    "who when where which whose what wer wann wo welche welcher qui quand où quel quelle quién cuándo dónde cuál"
)
_CHAT = vocabulary("hi hello hey thanks thank bye hallo danke tschüss bonjour salut merci hola gracias adiós")


def _by_task(words: Words, tokens: int) -> float:
    """Tokens that such a task usually takes; ``tokens`` is the length of what the user wrote."""
    known = words.known
    if not known.isdisjoint(_LABEL):
        return 12
    if not known.isdisjoint(_SUMMARY):
        return max(60, min(500, tokens * 0.25))
    if not known.isdisjoint(_AS_LONG):
        return max(20, tokens * 1.05)
    if not known.isdisjoint(_WRITE):
        sizes = [_LONG_FORMS[form] for form in known & _LONG_FORMS.keys()]
        if sizes:
            return max(sizes)
    if "```" in words.text or not known.isdisjoint(_CODE):
        return 500
    if not known.isdisjoint(_EXPLAIN):
        return 450
    count = len(words.listed)
    if count <= 4 and not known.isdisjoint(_CHAT):
        return 30
    if count <= 14 and not known.isdisjoint(_FACT):
        return 60
    return TYPICAL_ANSWER


def answer_length(words: Words, characters: int = 0) -> tuple[str, int]:
    """Class of the answer's length (``short``, ``medium``, ``long``) and a guess of its tokens (1 to 16,000).

    What is asked for in so many words counts first, then what such tasks usually take. ``characters`` is the length of the
    whole prompt where the text to work on stands elsewhere. Classes begin at 120 and at 700 tokens.
    """
    ends = words.ends(80, 40)
    known = words.known
    brief = not ends.known.isdisjoint(_BRIEF_WORDS) and _BRIEF.search(ends.lower) is not None
    tokens = _BRIEF_ANSWER if brief else asked_tokens(ends)
    if tokens is None:
        tokens = _by_task(words, max(len(words.text), characters) // CHARACTERS_PER_TOKEN)
        if not known.isdisjoint(_SHORTLY):
            tokens = min(tokens * 0.4, 110)
        elif not known.isdisjoint(_AMPLY):
            tokens = max(tokens * 2, 900)
    guess = max(1, min(int(tokens), _MOST))
    return "short" if guess < SHORT else "long" if guess >= LONG else "medium", guess


class Length:
    """Facts ``answer_length`` (``short``, ``medium``, ``long``) and ``answer_tokens`` (a guess)."""

    name = "length"
    gives = ("answer_length", "answer_tokens")

    async def read(self, request: Request, driver: Driver) -> Mapping[str, Any]:
        """Read the last user message, and the length of what it came with."""
        length, tokens = answer_length(spoken(request), len(request.view.user_text()))
        return {"answer_length": length, "answer_tokens": tokens}
