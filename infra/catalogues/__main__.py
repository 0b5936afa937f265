"""`infra/texts`: gather what readers see from templates, Python and scripts into portal/locale."""

import sys
import tempfile
from pathlib import Path

from infra.catalogues.gathering import LANGUAGES, LOCALE, gather, merge
from infra.catalogues.po import read_po

REPO = Path(__file__).resolve().parents[2]


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        found = gather(REPO, Path(folder))
        if "--check" not in sys.argv[1:]:
            for domain, template in found.items():
                for language in LANGUAGES:
                    merge(template, LOCALE / language / "LC_MESSAGES" / f"{domain}.po")
        return report(found)


def report(found: dict[str, Path]) -> int:
    lacking = 0
    for domain, template in found.items():
        for language in LANGUAGES:
            known = {
                entry.key for entry in read_po(LOCALE / language / "LC_MESSAGES" / f"{domain}.po") if entry.is_done
            }
            missing = [entry for entry in read_po(template) if entry.msgid and entry.key not in known]
            for entry in missing:
                print(f"{language}: {entry.msgid!r}")
            lacking += len(missing)
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
