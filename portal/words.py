"""What pages need to speak the reader's language: the languages there are, and the texts of their scripts."""

import re
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation.trans_real import DjangoTranslation

_STRING = r"""(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\$]|\\.)*`)"""
_TEXT = rf"({_STRING}(?:\s*\+\s*{_STRING})*)"
_ONE, _TWO = re.compile(rf"(?<![\w.$])t\(\s*{_TEXT}"), re.compile(rf"(?<![\w.$])tn\(\s*{_TEXT}\s*,\s*{_TEXT}")
_ESCAPES = {"n": "\n", "t": "\t"}


class ScriptTexts:
    """`script_texts.upload` in a template: what static/src/upload and every page's own scripts say, English to the
    reader's language. Nothing for readers of English, whose texts are in the scripts.
    """

    def __getitem__(self, name: str) -> dict[str, str]:
        return texts_of(name, get_language() or settings.LANGUAGE_CODE)


def reader(_request: HttpRequest) -> dict[str, object]:
    """Context processor: `script_texts` for `json_script:"texts"`, which static/ui/i18n.js reads."""
    return {"script_texts": ScriptTexts()}


@lru_cache(maxsize=64)
def texts_of(name: str, language: str) -> dict[str, str]:
    """The translated texts of one bundle's scripts, with those of every page."""
    if language == settings.LANGUAGE_CODE:
        return {}
    catalog = _catalog(language)
    return {text: catalog[text] for text in sorted(list_texts(name)) if catalog.get(text)}


def list_texts(name: str = "") -> set[str]:
    """Every text in the scripts of static/ui, of static/src itself and of static/src/`name`."""
    static = settings.BASE_DIR / "static"
    paths = [*(static / "ui").glob("*.js"), *(static / "src").glob("*.js")]
    if name:
        paths += [path for path in (static / "src" / name).rglob("*.js") if "tests" not in path.parts]
    return {text for path in paths for text in texts_in(path.read_text())}


def texts_in(script: str) -> list[str]:
    """The English texts of a script's calls of `t(…)` and `tn(…)`, in order."""
    found = [(match.start(), match.group(1)) for match in _ONE.finditer(script)]
    found += [(match.start(), group) for match in _TWO.finditer(script) for group in match.groups()]
    return [_value(text) for _place, text in sorted(found, key=lambda each: each[0])]


def list_bundles(static: Path) -> list[str]:
    """Names of the folders of static/src."""
    return sorted(path.name for path in (static / "src").iterdir() if path.is_dir())


def _value(literals: str) -> str:
    pieces = re.findall(_STRING, literals)
    return "".join(re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), piece[1:-1]) for piece in pieces)


@lru_cache(maxsize=8)
def _catalog(language: str) -> dict[str, str]:
    translation = DjangoTranslation(language, domain="djangojs", localedirs=settings.LOCALE_PATHS)
    own = translation._catalog
    return {text: own.get(text, "") for name in list_bundles(settings.BASE_DIR / "static") for text in list_texts(name)}
