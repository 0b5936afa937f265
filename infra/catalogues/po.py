"""Reading catalogues: as much of the PO format as gettext's own tools write."""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path

_FIELD = re.compile(r'^(msgctxt|msgid|msgid_plural|msgstr(?:\[\d\])?) (".*")$')


@dataclass
class Entry:
    """One text: in English, for several, and in the other language, one for each form of the plural."""

    flags: set[str] = field(default_factory=set)
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def msgid(self) -> str:
        return self.fields.get("msgid", "")

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others."""
        return self.fields.get("msgctxt", ""), self.msgid

    @property
    def plural(self) -> str:
        """The English text for several, or nothing."""
        return self.fields.get("msgid_plural", "")

    @property
    def translations(self) -> list[str]:
        """Every form in the other language."""
        return [text for name, text in self.fields.items() if name.startswith("msgstr")]

    @property
    def is_done(self) -> bool:
        """Whether every form is there and none is a guess."""
        return bool(self.translations) and all(self.translations) and "fuzzy" not in self.flags


def read_po(path: Path) -> list[Entry]:
    """The entries of a catalogue, its heading (the empty text) included."""
    entries, entry, name = [], Entry(), ""
    for line in [*path.read_text().splitlines(), ""]:
        if not line.strip():
            if entry.fields:
                entries.append(entry)
            entry, name = Entry(), ""
        elif line.startswith("#,"):
            entry.flags.update(flag.strip() for flag in line[2:].split(","))
        elif found := _FIELD.match(line):
            name = found[1]
            entry.fields[name] = ast.literal_eval(found[2])
        elif line.startswith('"') and name:
            entry.fields[name] += ast.literal_eval(line)
    return entries
