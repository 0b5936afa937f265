"""The table for people."""

import textwrap
from itertools import zip_longest

from infra.benchmarks.measuring import Row

_HEADS = ("workload", "ours", "peer", "ratio", "aim", "met?")
_WIDTHS = (26, 34, 38, 7, 16, 6)


def table(rows: list[Row]) -> str:
    """Columns of fixed width; long cells are broken over several lines."""
    lines = [_line(_HEADS), *("".join(_row(row)) for row in rows)]
    rule = "-" * (sum(_WIDTHS) + 2 * len(_WIDTHS)) + "\n"
    return rule.join(lines)


def _row(row: Row) -> list[str]:
    ratio = "–" if row.ratio is None else f"{row.ratio:.2g}×" if row.ratio < 10 else f"{row.ratio:.0f}×"
    return [_line((f"{row.workload} {row.what}", row.ours, row.peer, ratio, row.aim, _verdict(row)))]


def _verdict(row: Row) -> str:
    if not row.right:
        return "WRONG"
    return {True: "yes", False: "NO", None: "–"}[row.met]


def _line(cells: tuple[str, ...]) -> str:
    columns = [textwrap.wrap(cell, width) or [""] for cell, width in zip(cells, _WIDTHS, strict=True)]
    lines = (zip(parts, _WIDTHS, strict=True) for parts in zip_longest(*columns, fillvalue=""))
    return "".join("  ".join(text.ljust(width) for text, width in line).rstrip() + "\n" for line in lines)
