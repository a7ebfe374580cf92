"""Which language a text in another script than the Latin one is in: by its script, then by letters that only one has."""

from __future__ import annotations

import re

__all__ = ["foreign", "language_of_script"]

# a letter beyond Latin, without looking at punctuation, arrows, emoji and mathematical signs
_BEYOND = re.compile("[\u0370-\u1cff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]+")
#: letters of a text that are looked at
_SAMPLE = 600

#: by code point // 128 (the Unicode blocks of these scripts begin at multiples of it, or share one with nobody in use)
_BLOCKS: dict[int, str] = {
    **dict.fromkeys((0x06, 0x07, 0x3E, 0x3F), "el"),
    **dict.fromkeys((0x08, 0x09, 0x0A), "cyrillic"),
    0x0B: "he",
    **dict.fromkeys((0x0C, 0x0D, 0x0E), "arabic"),
    0x12: "devanagari",
    0x13: "bn",
    0x14: "pa",
    0x15: "gu",
    0x17: "ta",
    0x18: "te",
    0x19: "kn",
    0x1A: "ml",
    0x1B: "si",
    0x1C: "th",
    0x1D: "lo",
    0x20: "my",
    0x21: "ka",
    0x22: "ko",
    0x24: "am",
    0x25: "am",
    0x2F: "km",
    0x60: "kana",
    0x61: "kana",
}
#: of a script with several languages: (language, letters that betray it), the first that is met; the last one is the rest
_LETTERS: dict[str, tuple[tuple[str, str], ...]] = {
    "cyrillic": (
        ("kk", "[әғқңұһ]"),
        ("be", "ў"),
        ("mk", "[ѓќѕ]"),
        ("sr", "[ђјљњћџ]"),
        ("uk", "[іїєґ]"),
        ("ru", "[ыэё]"),
        ("bg", "ъ[^еёяюи]"),
        ("", ""),
    ),
    "arabic": (
        ("ur", "[ٹڈڑںےہھ]"),
        ("fa", "[پچژگیک]|\\b(?:است|این|برای|چه|را|می)\\b"),
        ("ar", ""),
    ),
    "devanagari": (
        ("mr", "ळ|आहे|काय\\b|मला"),
        ("ne", "(?:^|\\s)(?:छ|छन्|हुन्छ|गर्नुहोस्|तपाईं)(?:\\s|$|।)"),
        ("hi", ""),
    ),
}
_CHOICES = {script: tuple((code, re.compile(letters)) for code, letters in choices) for script, choices in _LETTERS.items()}


def foreign(lower: str) -> bool:
    """True where a text (in lower case) has letters of another script than the Latin one in its beginning."""
    return not lower.isascii() and _BEYOND.search(lower, 0, _SAMPLE) is not None


def _script(code: int) -> str:
    if code >= 0xAC00:
        return "ko"
    return "han" if code >= 0x3400 else _BLOCKS.get(code >> 7, "")


def language_of_script(lower: str) -> str | None:
    """ISO 639-1 code of a text whose letters are mostly not Latin; None where its script is unknown.

    Empty where words must decide: most letters are Latin, or Cyrillic ones that several languages share. Han characters are
    Chinese unless kana stand beside them; Arabic letters are Arabic and Devanagari is Hindi unless letters or words of a
    sister language are met.
    """
    sample = lower[:_SAMPLE]
    counts: dict[str, int] = {}
    for letter in _BEYOND.findall(sample):
        script = _script(ord(letter))
        counts[script] = counts.get(script, 0) + 1
    latin = sum(map(len, _LATIN.findall(sample)))
    # a Han character, a kana or a syllable block says about as much as two letters
    syllables = sum(counts.get(script, 0) for script in ("han", "kana", "ko"))
    if latin > sum(counts.values()) + syllables:
        return ""
    if counts.get("kana", 0) * 8 >= counts.get("han", 0) and "kana" in counts:
        return "ja"
    script = max(counts, key=counts.__getitem__)
    for code, letters in _CHOICES.get(script, ()):
        if letters.search(sample):
            return code
    return "zh" if script == "han" else script or None
