"""Task, domain and difficulty of a call by its structure and some keywords alone: no weights, no numpy, easy to read.

Less often right than :class:`~routed_llm.policy.features.classifier.TaskModel` (``docs/classifier-table.md``); for whoever
wants to see why. A keyword counts once, however often it is repeated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from routed_llm.driver import Driver
from routed_llm.policy.features.classifier import Understood, burden
from routed_llm.prompt.words import Words, spoken, vocabulary
from routed_llm.requests import Request

__all__ = ["Keywords", "by_keywords"]

_SEEN = frozenset({"images", "image_urls", "video"})
_CODE = re.compile(r"```|[{};]\s*$|\w\(\w*\)|\b(?:def|function|class|const|return|import|SELECT)\b.{0,60}[({:;=]", re.MULTILINE)
_SUM = re.compile(r"\d\s*[-+*/^=\u00d7\u00f7]\s*\d|\\(?:frac|int|sum)|\d\s?%")

_TASKS: dict[str, frozenset[str]] = {
    "summarising": vocabulary(
        "short boil boils sum summing brief briefly outline bullet bullets highlights key condensed summarise "
        "summarize summary tldr tl gist condense recap shorten digest takeaways zusammen résume resume resumen fasse "
        "overview"
    ),
    "translation": vocabulary(
        "übersetzung engl englische englisch deutsch english français anglais inglés español greek thai czech hindi "
        "danish translate translation translated übersetze übersetzen traduis traduire traduce traducir vertaal "
        "traduci auf french german spanish italian polish japanese chinese portuguese dutch russian turkish arabic "
        "swedish korean"
    ),
    "extraction": vocabulary(
        "get give number numbers find every entities mentioned parties amount amounts out extract extraction pull "
        "json csv list fields table names dates emails addresses identify collect parse"
    ),
    "classification": vocabulary(
        "formal toxic urgent priority assign each whether classify classification categorise categorize category "
        "label labels sentiment spam positive negative topic tag triage sort or"
    ),
    "creative_writing": vocabulary(
        "write invent diary letter names funny claim monologue verse eulogy toast wedding character poem story haiku "
        "limerick song lyrics novel speech slogan tagline joke rhyme caption tale scene dialogue essay blog gedicht "
        "geschichte poème cuento"
    ),
    "mathematics": vocabulary(
        "many much plus minus times divided cost rate per km triangle radius gcd wavelength compounded continuous "
        "integer integers calculate compute integrate differentiate derivative integral equation probability solve "
        "prove matrix sum percent interest theorem average squared"
    ),
    "reasoning": vocabulary(
        "whether assess order sensible likely plausible argument arguments rent cause causes follows must probably "
        "evidence hypotheses culprit lies puzzle riddle deduce should better argue why reason logic who weigh "
        "conclude valid decide explain"
    ),
    "chat": vocabulary(
        "today evening night nice haha yeah ok okay love talk play character wow pretend lonely excited afraid tired "
        "me hi hello hey thanks thank bye morning lol feel hallo danke salut merci hola gracias bored sad happy you"
    ),
    "question_answering": vocabulary(
        "what who when where which how why explain difference is was does wer wann quelle qué cuál define"
    ),
}
_CODE_TASKS: dict[str, frozenset[str]] = {
    "code_debug": vocabulary(
        "returns wrong never works work doesn isn twice denied refused timeout leak deadlock getting stuck error "
        "exception traceback bug debug fails failed crash crashes why fix undefined hangs broken null"
    ),
    "code_refactor": vocabulary(
        "shorten nicer dedupe simpler cleaner modernize migrate tidy turn extract reduce move port instead refactor "
        "rewrite clean simplify convert shorter readable improve restructure split modernise idiomatic"
    ),
    "code_documentation": vocabulary(
        "what does guide usage line page description specify flag mean notes docstring comment comments document "
        "documentation readme explain docs javadoc changelog describe"
    ),
    "code_design": vocabulary(
        "should how would model tables store scaling offline sync platform system choose monolith queue cache "
        "architecture design schema database structure api services scale pattern components microservices"
    ),
    "code_snippet": vocabulary(
        "make check select component macro oneliner give need loop write function script implement code query regex "
        "command create class program snippet"
    ),
}
_PROGRAMS = vocabulary(
    "vue golang js ts mysql postgres jdbc pip npm loop array vba express cms sqlite websockets c++ go codebase "
    "repo endpoint python java javascript typescript sql bash regex docker html css react code function api "
    "database script git rust kotlin php json class compiler kubernetes microservice microservices readme "
    "docstring linux backend frontend pandas numpy server"
)
_DOMAINS: dict[str, frozenset[str]] = {
    "legal": vocabulary(
        "rights clauses legally liable landlord's notary deed will inheritance copyright trademark police crime "
        "judgment lawsuit nda eviction law legal contract clause court lawyer tenant landlord liability lease judge "
        "sue patent agreement gdpr vertrag"
    ),
    "medical": vocabulary(
        "medicine drug tablet clinical nurse therapy surgery infection vaccine heart diabetes cancer pregnant health "
        "patient doctor disease symptom symptoms medication dose pain fever blood hospital treatment diagnosis arzt "
        "mg"
    ),
    "finance": vocabulary(
        "euro euros dollars price cost salary income rent cash etf fund investment accounting earnings balance "
        "interest money bank loan mortgage tax invoice stock shares revenue bond profit budget account dividend "
        "steuer"
    ),
    "science": vocabulary(
        "scientific plant plants species water chemical temperature sun moon earth climate evolution bacteria gene "
        "neutrinos physics chemistry biology planet atom molecule experiment energy quantum dna cell star gravity "
        "light"
    ),
    "support": vocabulary(
        "customer's refund broken printer reset error account screen wifi install update hotline agent complaint "
        "order parcel ticket customer delivery warranty password login subscription router device app replacement"
    ),
    "marketing": vocabulary(
        "slogan caption post instagram blog brands promotion click clicks product shop email claim campaign brand ad "
        "ads newsletter advertising customers audience seo conversion landing launch marketing"
    ),
    "travel": vocabulary(
        "train bus city paris rome japan day night guide map airport ticket tickets vacation flight hotel trip travel "
        "visa beach holiday tour luggage passport itinerary booking urlaub"
    ),
}
_HARD = vocabulary(
    "prove proof derive rigorous distributed concurrency consensus lock-free invariants tradeoffs differential "
    "quantify reconcile migrate architecture compiler formal optimal contradictions"
)


def _best(known: frozenset[str], lists: Mapping[str, frozenset[str]]) -> tuple[str, int]:
    # words of questions stand in every kind of text, so that they decide only where nothing else does
    counts = {name: min(len(known & words), 1 if name == "question_answering" else 9) for name, words in lists.items()}
    name = max(counts, key=counts.__getitem__)
    return name, counts[name]


def by_keywords(words: Words, *, seen: bool = False) -> Understood:
    """What a text is about; see :class:`~routed_llm.policy.features.classifier.Understood`. The confidence is a rough guess."""
    ends = words.ends(30, 15).known
    code = _CODE.search(words.text) is not None
    if seen:
        task, signs = "vision", 9
    elif code or len(words.known & _PROGRAMS) > 0:
        task, signs = _best(ends, _CODE_TASKS)
        task = task if signs else "code_debug" if code else "code_snippet"
    else:
        task, signs = _best(ends, _TASKS)
        if not signs:
            task = "chat" if len(words.listed) < 5 else "question_answering"
        if _SUM.search(words.text) is not None and task not in ("extraction", "summarising", "translation"):
            task, signs = "mathematics", signs + 1
    domain, named = _best(words.known, _DOMAINS)
    score = min(len(words.known) / 150, 0.5) + (0.2 if code else 0.0) + min(0.2 * len(words.known & _HARD), 0.6)
    return Understood(task, signs / (signs + 2), domain if named and not code else "general", min(score, 1.0))


class Keywords:
    """Facts ``task``, ``task_confidence``, ``domain``, ``difficulty`` and ``difficulty_score``, by structure and keywords.

    Args:
        middle, hard: difficulty scores, 0 to 1, from which a call counts as ``middle`` and as ``hard``.
    """

    name = "keywords"
    gives = ("task", "task_confidence", "domain", "difficulty", "difficulty_score")

    def __init__(self, middle: float = 0.15, hard: float = 0.45) -> None:
        self.middle = middle
        self.hard = hard

    async def read(self, request: Request, driver: Driver) -> Mapping[str, Any]:
        """Read the last user message, and the shape of the request."""
        view = request.view
        told = by_keywords(spoken(request), seen=not _SEEN.isdisjoint(view.media))
        score = min(1.0, told.score + burden(request, view))
        level = "hard" if score >= self.hard else "middle" if score >= self.middle else "easy"
        return {
            "task": told.task,
            "task_confidence": round(told.confidence, 3),
            "domain": told.domain,
            "difficulty": level,
            "difficulty_score": round(score, 3),
        }
