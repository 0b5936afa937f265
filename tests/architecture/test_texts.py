"""Every text that readers see can be translated, and is: no page speaks two languages."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from infra.catalogues.po import Entry, read_po
from portal.words import texts_in

REPO = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((REPO / "templates").rglob("*.html"))
CATALOGS = sorted((REPO / "portal" / "locale").rglob("*.po"))
STATIC = [path for folder in ("ui", "src") for path in sorted((REPO / "static" / folder).rglob("*.js"))]
SCRIPTS = [path for path in STATIC if "tests" not in path.parts]
PROGRAMMERS = {"imaging/connections/api_docs.html"}  # documents the API, in the API's language
NAMES = {"Collimate", "OHIF", "UTC", "SHA-256", "OpenBao", "AWS KMS", "PACS", "DICOM", "CSV", "URL"}
SPOKEN = ("title", "aria-label", "aria-description", "placeholder", "alt", "data-label")
MARKUP = re.compile(r"</?\w+[^>]*>")
PLACES = re.compile(r"%\(\w+\)[sd]|(?<!\{)\{\w*\}(?!\})|</?\w+[^>]*>")


class Spoken(HTMLParser):
    """Collects what a template says by itself: its texts, and the attributes that are read out or shown."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in ("code", "script", "style")
        self.said += [value for name, value in attrs if value and name in SPOKEN]

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in ("code", "script", "style")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.said.append(data)


def untranslated(template: str) -> list[str]:
    """What is left of a template's words when its translated ones are taken out."""
    template = re.sub(r"{% comment %}.*?{% endcomment %}|{#.*?#}", "", template, flags=re.DOTALL)
    template = re.sub(r"{% blocktranslate.*?{% endblocktranslate %}", "", template, flags=re.DOTALL)
    template = re.sub(r"{% block (body|html)_class %}.*?{% endblock %}", "", template)
    includes = re.findall(r'{% include [^%]*?\b(?:label|text)="([^"]*[A-Za-z]{2}[^"]*)"', template)
    parser = Spoken()
    parser.feed(re.sub(r"{%.*?%}|{{.*?}}", "", template, flags=re.DOTALL))
    words = [re.sub("|".join(map(re.escape, sorted(NAMES))), "", text) for text in parser.said]
    includes += re.findall(r'\|default(?:_if_none)?:"([^"]*[A-Za-z]{2}[^"]*)"', template)
    return [text.strip() for text in [*words, *includes] if re.search(r"[A-Za-zÀ-ÿ]{2}", text)]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(REPO / "templates")))
def test_a_template_says_nothing_that_cannot_be_translated(path: Path) -> None:
    if str(path.relative_to(REPO / "templates")) in PROGRAMMERS:
        return

    assert untranslated(path.read_text()) == []


def test_the_lint_sees_texts_attributes_and_includes() -> None:
    template = '<p title="Bad">{% translate "Good" %} bad <code>--fine</code></p>{% include "a" with label="worse" %}'

    assert untranslated(template) == ["Bad", "bad", "worse"]


def test_everything_that_readers_see_is_in_every_catalogue() -> None:
    """What is new goes in by `infra/texts`; then someone translates it."""
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "-m", "infra.catalogues", "--check"]
    done = subprocess.run(command, cwd=REPO, env=environment, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, ""), done.stderr[-2000:]


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: "/".join(path.parts[-3:]))
def test_translations_keep_the_places_of_values_and_the_markup(path: Path) -> None:
    wrong = [entry.msgid for entry in read_po(path) if entry.msgid and not _keeps_places(entry)]

    assert wrong == []


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: "/".join(path.parts[-3:]))
def test_no_translation_can_end_an_attribute(path: Path) -> None:
    """Texts stand in attributes too, and are not escaped there: a straight quotation mark would end one."""
    texts = [text for entry in read_po(path) if entry.msgid for text in entry.translations]
    wrong = [text for text in texts if '"' in MARKUP.sub("", text)]

    assert wrong == []


def _keeps_places(entry: Entry) -> bool:
    allowed = [set(PLACES.findall(text)) for text in (entry.msgid, entry.plural) if text]
    return all(set(PLACES.findall(text)) in allowed for text in entry.translations)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(REPO / "static")))
def test_a_script_names_its_texts_literally(path: Path) -> None:
    """A text that is put together at run time is in no catalogue."""
    script = re.sub(r"/\*.*?\*/|^\s*//.*$", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    calls = re.findall(r"(?<![\w.$])tn?\(\s*(?!['\"`)\s])[^)]{0,40}", re.sub(r"function tn?\(", "", script))

    if path.name != "i18n.js":
        assert calls == []


def test_texts_of_scripts_are_found_in_every_kind_of_quotes() -> None:
    script = """t('One'); t("it's two"); x.t('not'); t(`Three {n}`, { n }); tn('{count} a', '{count} b', 2);
    t('jo' + 'ined')"""

    assert texts_in(script) == ["One", "it's two", "Three {n}", "{count} a", "{count} b", "joined"]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(REPO / "templates")))
def test_a_page_with_a_bundle_carries_the_texts_of_its_scripts(path: Path) -> None:
    template = path.read_text()

    for bundle in re.findall(r"{% static '(\w+)/\1\.js' %}", template):
        assert bundle == "ohif" or f'script_texts.{bundle}|json_script:"texts"' in template
