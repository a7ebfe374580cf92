"""How the user feels about it: sentiment, and, beside it, whether the last answer was no use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from routed_llm.driver import Driver
from routed_llm.policy.features.reasking import asks_again
from routed_llm.prompt.words import Words, has_phrase, phrases, spoken, vocabulary
from routed_llm.requests import Request

__all__ = ["Sentiment", "sentiment_of"]

_GOOD = vocabulary(
    "great thanks thank awesome excellent perfect wonderful love amazing fantastic brilliant helpful nice good happy "
    "glad excited pleased grateful appreciate appreciated beautiful superb cool impressed impressive delighted thx "
    "danke super toll großartig perfekt wunderbar klasse prima freue freut dankbar hervorragend begeistert liebe spitze "
    "gut glücklich merci génial parfait excellent formidable super adore contente heureux heureuse ravi ravie "
    "magnifique bien bravo gracias genial perfecto excelente maravilloso encanta increíble feliz contento contenta "
    "estupendo fantástico bueno bien"
)
_BAD = vocabulary(
    "bad terrible awful horrible useless worst wrong hate angry annoyed annoying frustrated frustrating disappointed "
    "disappointing upset unacceptable ridiculous stupid garbage crap rubbish furious sad unhappy disgusting pathetic "
    "nonsense broken ashamed sucks worse terribly wtf damn incompetent outrageous poor scam rude schlecht schrecklich "
    "furchtbar nutzlos falsch hasse wütend sauer ärgerlich ärgert frustriert enttäuscht enttäuschend nervt unverschämt "
    "lächerlich dumm müll mist traurig katastrophe unbrauchbar blöd schlimm unzumutbar verdammt mauvais mauvaise "
    "terrible horrible nul nulle inutile pire faux déteste colère énervé énervée agacé agacée frustré frustrée déçu "
    "déçue décevant inacceptable ridicule stupide triste honteux marre scandaleux merde malo mala terrible horrible "
    "inútil peor odio enojado enojada enfadado enfadada molesto molesta frustrado frustrada decepcionado decepcionada "
    "inaceptable ridículo estúpido basura triste harto harta vergüenza pésimo pésima fatal"
)
_NOT = vocabulary(
    "not no never isn wasn aren don doesn didn hardly nicht kein keine nie pas jamais ne ni nunca sin without ohne sans"
)
#: the text is about other people's words, or is to be made up
_ABOUT = vocabulary(
    "classify sentiment review reviews story poem lyrics translate summarize summarise essay novel tweet tweets "
    "character classifica klassifiziere bewertung bewertungen geschichte gedicht übersetze avis histoire poème traduis "
    "clasifica reseña reseñas historia poema traduce label headline"
)
#: words with a meaning of their own; they count behind a word of :data:`_SAYING`, or where little else is said
_OF_ANY_USE = vocabulary(
    "good gut bien bueno nice bad wrong falsch faux mal best cool worse worst poor broken fatal love rude sad terribly "
    "stupid wonderful beautiful great perfect excellent classe klasse liebe contenta bravo happy glad glücklich triste "
    "traurig terrible"
)
_SAYING = vocabulary(
    "is was s re so very really pretty quite too looks sounds feel feels am are i totally just all how what that you "
    "your m ist war sehr so echt wirklich total bin fühle das est c très vraiment suis trop es está muy estoy son tan "
    "qué"
)
_THANKS = frozenset({"thanks", "thank", "thx", "danke", "merci", "gracias"})
#: words of a text that says little else
_FEW = 4
_ASKS = vocabulary("what which how why is are can does welche welcher wie was warum quel quelle comment pourquoi qué cuál cómo")
_STRONG = phrases(
    """
    waste: waste of time / waste of my time
    fed: fed up
    sick: sick of
    work: doesn't work / does not work / don't work / still not work / won't work
    working: not working / isn't working / stopped working
    hell: what the hell
    heck: what the heck
    sense: makes no sense
    give: i give up
    funktioniert: funktioniert nicht / funktioniert immer noch nicht / funktioniert wieder nicht
    geht: geht immer noch nicht / geht wieder nicht
    reicht: reicht mir / mir reicht
    zeitverschwendung: zeitverschwendung
    marche: ne marche pas / ne marche toujours pas
    fonctionne: ne fonctionne pas / ne fonctionne toujours pas
    ras: ras le bol
    perte: perte de temps
    funciona: no funciona
    sigue: sigue sin
    pérdida: pérdida de tiempo
    """
)


def sentiment_of(words: Words) -> str:
    """``positive``, ``neutral`` or ``negative``: what the user says with feeling, in English, German, French and Spanish.

    Texts that are about the words of others, or to be made up, are neutral.
    """
    words = words.ends(30, 20)
    known = words.known
    hits = known & (_GOOD | _BAD)
    strong = has_phrase(words, _STRONG)
    if (not hits and not strong) or not known.isdisjoint(_ABOUT):
        return "neutral"
    asking = words.listed[0] in _ASKS or "?" in words.lower
    points = -1.5 if strong else 0.0
    if hits:
        points += _points(words.listed, hits, asking)
    if points < 0 and ("!!" in words.text or "??" in words.text):
        points -= 0.5
    return "positive" if points >= 1 else "negative" if points <= -1 else "neutral"


def _points(listed: Sequence[str], hits: frozenset[str], asking: bool) -> float:
    """Good words less bad ones; behind a "not" a word means half of its contrary."""
    points = 0.0
    for place, word in enumerate(listed):
        if word not in hits:
            continue
        before = listed[max(0, place - 3) : place]
        if word in _OF_ANY_USE and (asking or (len(listed) > _FEW and _SAYING.isdisjoint(before[-1:]))):
            continue
        value = 1.0 if word in _GOOD else -1.0
        if word not in _THANKS and not _NOT.isdisjoint(before):
            value = -1.0 if value > 0 else 0.5
        points += value
    return points


class Sentiment:
    """Facts ``sentiment`` (``positive``, ``neutral``, ``negative``) and ``reasking`` (the last answer was no use)."""

    name = "sentiment"
    gives = ("sentiment", "reasking")

    async def read(self, request: Request, driver: Driver) -> Mapping[str, Any]:
        """Read the last user message, and the one before it."""
        words = spoken(request)
        texts = request.view.user_texts() if request.view.turns > 1 else ()
        before = texts[-2] if len(texts) > 1 else None
        return {"sentiment": sentiment_of(words), "reasking": asks_again(words, before)}
