"""Finding texts: templates and Python by Django's makemessages, scripts by the pattern that the portal itself uses."""

import json
import os
import subprocess
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command

REPO = Path(__file__).resolve().parents[2]
LOCALE = REPO / "portal" / "locale"
LANGUAGES = ("es",)
IGNORED = ("portal/locale", "var", ".venv", "static", "tests", "infra", "node_modules")
_XGETTEXT = ("--from-code=UTF-8", "--no-location", "--no-wrap", "--sort-output")


def gather(repo: Path, folder: Path) -> dict[str, Path]:
    """Write a template of each domain into `folder`; returns them by domain."""
    return {"django": _of_pages(repo, folder), "djangojs": _of_scripts(repo, folder)}


def merge(template: Path, catalog: Path) -> None:
    """Bring a catalogue up to what was gathered; nothing is guessed from similar texts."""
    command = ["msgmerge", "--quiet", "--no-fuzzy-matching", "--no-wrap", "--sort-output", "--backup=none"]
    subprocess.run([*command, "--update", catalog, template], check=True)
    subprocess.run(["msgattrib", "--no-obsolete", "--no-wrap", "--output-file", catalog, catalog], check=True)


def _of_pages(repo: Path, folder: Path) -> Path:
    locale = folder / "locale"
    locale.mkdir()
    if not settings.configured:
        settings.configure(LOCALE_PATHS=[locale], USE_I18N=True, SECRET_KEY="none", INSTALLED_APPS=[])
        django.setup()
    settings.LOCALE_PATHS = [locale]
    before = Path.cwd()
    os.chdir(repo)
    try:
        call_command(
            "makemessages", locale=["es"], extensions=["html", "txt", "py"], ignore_patterns=list(IGNORED),
            no_location=True, no_wrap=True, keep_pot=True, verbosity=0,
        )  # fmt: skip
    finally:
        os.chdir(before)
    return locale / "es" / "LC_MESSAGES" / "django.po"


def _of_scripts(repo: Path, folder: Path) -> Path:
    from portal.words import list_bundles, list_texts

    settings.BASE_DIR = repo
    texts = {text for name in list_bundles(repo / "static") for text in list_texts(name)}
    source, template = folder / "scripts.js", folder / "djangojs.pot"
    source.write_text("".join(f"gettext({json.dumps(text, ensure_ascii=False)});\n" for text in sorted(texts)))
    subprocess.run(["xgettext", "--language=JavaScript", *_XGETTEXT, f"--output={template}", source], check=True)
    template.write_text(template.read_text().replace("charset=CHARSET", "charset=UTF-8"))
    return template
