"""Person names (PS3.5 §6.2.1) as they are compared: without case, accents and marks of padding.

A name has up to three groups (alphabetic, ideographic, phonetic) joined by `=`, each of components joined by `^`.
"""

import re
import unicodedata

GROUPS = 3
MAX_GROUP = 106  # characters; the standard allows 64. Three of them, folded, still fit into a row of an index
_ACCENTS = re.compile("[\u0300-\u036f]")  # not the voicing of kana, nor the vowels of other scripts
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
_BETWEEN_WORDS = re.compile(r"[\s^,.'’\-]+")


def fold(text: str) -> str:
    """The text without case and accents: `Müller` as `muller`, `STRAUß` as `strauss`."""
    if text.isascii():
        return text.lower()
    plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold())).translate(_LETTERS)
    return unicodedata.normalize("NFC", plain.casefold())


def fold_groups(name: str) -> tuple[str, str, str]:
    """The three groups, folded, without padding and without the empty components at their ends."""
    groups = [_fold_group(group) for group in name.split("=")[:GROUPS]]
    return tuple(groups + [""] * (GROUPS - len(groups)))


def fold_name(name: str) -> str:
    """The folded groups, always with both `=`: `DOE ^Jane^^` as `doe^jane==`."""
    return "=".join(fold_groups(name))


def list_words(group: str) -> list[str]:
    """The words of a folded group: components, and what blanks, hyphens and apostrophes divide them into."""
    return [word for word in _BETWEEN_WORDS.split(group) if word]


def list_later_words(group: str) -> list[str]:
    """The words that the folded group does not itself begin with."""
    words = list_words(group)
    return words[1:] if words and group.startswith(words[0]) else words


def _fold_group(group: str) -> str:
    components = (" ".join(component.split()) for component in fold(group).split("^"))
    return "^".join(components).rstrip("^")[:MAX_GROUP].rstrip("^ ")
