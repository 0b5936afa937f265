"""The report of a restore drill as a PDF: numbers and ids, no patient."""

import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

Rows = Sequence[tuple[str, ...]]


@dataclass(frozen=True)
class CheckLine:
    """One comparison: of how many images, and in how many it failed."""

    name: str
    compared: int
    differences: int


@dataclass(frozen=True)
class Report:
    """What the page says. Texts are ready to print; names outside Latin scripts lose what the font lacks."""

    practice: str
    drilled_at: datetime
    passed: bool
    verdict: str
    restored: Rows  # (label, value)
    modalities: Rows  # (modality, images, size)
    times: Rows  # (label, value, target)
    checks: Sequence[CheckLine]
    differences: Sequence[str]  # instance ids with their check
    circumstances: Rows  # (label, value)
    certificate: str  # SHA-256 fingerprint of the signing certificate


def build_pdf(report: Report) -> bytes:
    """Set the report on one or two A4 pages."""
    # reportlab takes a fifth of a second and 20 MB: only a drill pays for it.
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import SimpleDocTemplate

    file = io.BytesIO()
    document = SimpleDocTemplate(
        file, pagesize=A4, leftMargin=20 * mm, rightMargin=20 * mm, topMargin=18 * mm, bottomMargin=18 * mm,
        title="Restore drill", author="Collimate", lang="en-US",
    )  # fmt: skip
    document.build(_Layout().story(report))
    return file.getvalue()


class _Layout:
    """Styles and the order of the parts."""

    def __init__(self) -> None:
        from reportlab.lib.colors import HexColor
        from reportlab.lib.styles import ParagraphStyle

        self._ink, self._line = HexColor("#1f2933"), HexColor("#cbd2d9")
        self._good, self._bad = HexColor("#0b6e4f"), HexColor("#b42318")
        self._text = ParagraphStyle("text", fontName="Helvetica", fontSize=9.5, leading=13, textColor=self._ink)
        self._title = ParagraphStyle("title", self._text, fontName="Helvetica-Bold", fontSize=20, leading=26)
        self._head = ParagraphStyle(
            "head", self._text, fontName="Helvetica-Bold", fontSize=11.5, leading=15, spaceBefore=12, spaceAfter=4
        )
        self._small = ParagraphStyle("small", self._text, fontSize=8, leading=11, spaceBefore=10)

    def story(self, report: Report) -> list[object]:
        """The parts from top to bottom."""
        modalities = [("Modality", "Images", "Size"), *report.modalities]
        times = [("", "Measured", "Target"), *report.times]
        checks = [(check.name, f"{check.compared:,}", f"{check.differences:,}") for check in report.checks]
        differences = [(line,) for line in report.differences]
        return [
            self._paragraph("Restore drill", self._title),
            self._paragraph(f"{report.practice}, {report.drilled_at:%d %B %Y, %H:%M} UTC"),
            self._verdict(report),
            *self._section("What was restored", report.restored, (70, 100)),
            *self._section("By modality", modalities, (70, 50, 50), head=True),
            *self._section("Times", times, (90, 45, 35), head=True),
            *self._section("Checks", [("Check", "Images", "Differences"), *checks], (120, 25, 25), head=True),
            *(self._section("Differences", differences, (170,)) if differences else []),
            *self._section("Circumstances", report.circumstances, (70, 100)),
            self._paragraph(_SIGNED + report.certificate, self._small),
        ]  # fmt: skip

    def _verdict(self, report: Report) -> object:
        from reportlab.lib.styles import ParagraphStyle

        colour = self._good if report.passed else self._bad
        style = ParagraphStyle(
            "verdict", self._text, fontName="Helvetica-Bold", fontSize=12, leading=16, textColor=colour,
            borderColor=colour, borderWidth=1, borderPadding=6, spaceBefore=14, spaceAfter=14,
        )  # fmt: skip
        return self._paragraph(report.verdict, style)

    def _section(self, title: str, rows: Rows, widths: tuple[int, ...], *, head: bool = False) -> list[object]:
        """A heading and a table whose columns have `widths` in millimetres; `head`: its first row names them."""
        from reportlab.lib.units import mm
        from reportlab.platypus import Table, TableStyle

        cells = [[self._paragraph(text) for text in row] for row in rows]
        style = [
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, self._line),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (0, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
            *([("LINEBELOW", (0, 0), (-1, 0), 0.8, self._ink)] if head else []),
        ]
        table = Table(cells, [width * mm for width in widths], hAlign="LEFT", repeatRows=int(head))
        table.setStyle(TableStyle(style))
        return [self._paragraph(title, self._head), table]

    def _paragraph(self, text: str, style: object = None) -> object:
        from reportlab.platypus import Paragraph

        # Paragraphs read markup, and names of practices are not ours.
        escaped = _printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return Paragraph(escaped, style or self._text)


_SIGNED = (
    "This report is signed (PAdES-B-B) by the certificate “Collimate drill reports”; a reader that shows the signature "
    "as valid shows the report as it was written. SHA-256 fingerprint of the certificate: "
)


def _printable(text: str) -> str:
    """In the letters that every PDF reader's own fonts have: no font travels with the report."""
    return "".join(letter if _is_latin(letter) else _plain(letter) for letter in text)


def _is_latin(letter: str) -> bool:
    return letter.isprintable() and letter.encode("cp1252", "ignore") != b""


def _plain(letter: str) -> str:
    return unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode() or "?"
