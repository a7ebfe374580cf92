"""Sentences and lists that ask for thinking and give nothing to think about: "Prove rigorously, step by step: theorem!".

Whoever wants a dear model may write them behind any question. What they say counts once, however many they are.
"""

from __future__ import annotations

import re

from routed_llm.prompt.words import Words, vocabulary, words_of

__all__ = ["ASKING", "CODE", "EMPTY", "MATHEMATICS", "THINKING", "content_of", "without_bare"]

THINKING = vocabulary(
    "why analyze analyse compare contrast tradeoff tradeoffs trade design architecture strategy plan derive reason reasoning "
    "evaluate critique optimize optimise justify step steps"
)
MATHEMATICS = vocabulary(
    "prove proof theorem integral derivative equation equations probability matrix polynomial eigenvalue modulo factorial plus "
    "minus times multiplied divided percent squared average"
)
CODE = vocabulary("refactor debug regex algorithm compile compiler traceback stacktrace")
#: words about how an answer should be, or how hard it is; no signs, but nothing to think about either
_MANNER = vocabulary(
    "rigorous rigorously careful carefully thorough thoroughly detailed deeply hard harder difficult difficulty complex "
    "complexity challenging advanced expert experts precisely formally optimised optimized optimal optimally optimisation "
    "optimization analysis derivation derivations proofs theorems integrals derivatives matrices algorithms lemma corollary "
    "calculus algebra mathematics mathematical mathematically maths logic logical logically critically thinking reasoned "
    "justification architectures strategies evaluation"
)
#: words that may ask for a strong model
ASKING = THINKING | MATHEMATICS | CODE | _MANNER
#: words that hold a sentence together
_FUNCTION = vocabulary(
    "a an the this that these those it its is are was were be been being am do does did done has have had can could will "
    "would shall should may might must not no and or but so if then than as at by for from in into of on onto out over to "
    "up with without within about after before between through under using use used uses via per i me my you your he she we "
    "us our they them their who what which when where how whose there here all any each every some such only also very "
    "really quite more most much many too just now first next last finally one both please kindly thanks thank hi hello hey "
    "pls need needs needed want wants require requires required give given show tell make let help explain explanation "
    "think detail details depth deep offs multi solve question problem task answer solution"
)
#: words that tell nothing to think about
EMPTY = ASKING | _FUNCTION
#: characters of a sentence that are looked at first; most tell there already what they are about
_FIRST = 80
#: parts between commas that make a list, where they only ask for thinking
_LIST = 3
_OPTION = re.compile(r"\s*\(?[a-z0-9][.):]\s", re.IGNORECASE)
_ENDS = ".?!;\n\u3002\uff1f\uff01"
_SPACE_OR_END = f" \t{_ENDS}"


def _place(sign: str) -> str:
    if sign in _ENDS:
        return "\n"
    return sign.lower() if sign.isalnum() or sign == "_" else " "


#: ends of sentences to line breaks, other signs to spaces, capitals to small letters, place by place; all words looked for are
#: of ASCII, where bytes are ten times as fast
_FLAT_BYTES = bytes(ord(_place(chr(code))) if code < 128 else code for code in range(256))
_FLAT = {ord(sign): _place(sign) for sign in [*map(chr, range(128)), *_ENDS]}


def content_of(words: Words) -> int:
    """How many different words of a text tell what it is about."""
    return len(words.known - EMPTY)


def without_bare(words: Words) -> Words:
    """The same without sentences and lists that only ask for thinking; the text itself where it has none, or nothing else."""
    if words.known.isdisjoint(ASKING):
        return words
    text = words.text
    flat = text.encode().translate(_FLAT_BYTES).decode() if text.isascii() else text.translate(_FLAT)
    kept, begin = [], 0
    for sentence in flat.split("\n"):
        end = begin + len(sentence) + 1
        if not (_is_bare(sentence) and _stands_alone(text, begin, end)):
            kept.append(_without_list(text[begin:end], sentence))
        begin = end
    rest = "".join(kept)
    return words if len(rest) == len(text) or not any(map(str.isalnum, rest)) else words_of(rest.strip())


def _stands_alone(text: str, begin: int, end: int) -> bool:
    """Whether a part of a text is a sentence or a line: no bit of code with a point in it, no option of a choice."""
    line = text.rfind("\n", 0, begin) + 1
    before = begin == line or text[begin].isspace()
    behind = text[end - 1 : end] == "\n" or text[end : end + 1].strip(_SPACE_OR_END) == ""
    return before and behind and not _OPTION.match(text, line)


def _without_list(sentence: str, flat: str) -> str:
    """A sentence without the parts between commas that only ask for thinking, where these are many enough for a list."""
    if sentence.count(",") < _LIST:
        return sentence
    kept, begin, parts = [], 0, sentence.split(",")
    for part in parts:
        if not _is_bare(flat[begin : begin + len(part)]):
            kept.append(part)
        begin += len(part) + 1
    return ",".join(kept) if len(parts) - len(kept) >= _LIST else sentence


def _is_bare(flat: str) -> bool:
    """Whether a sentence, or part of one, asks for thinking and has no word of content."""
    if len(flat) > _FIRST and not EMPTY.issuperset(flat[:_FIRST].split()[1:-1]):
        return False
    known = flat.split()
    return EMPTY.issuperset(known) and not ASKING.isdisjoint(known)
