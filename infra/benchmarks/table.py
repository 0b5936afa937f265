"""The table for people."""

import textwrap
from itertools import zip_longest

from infra.benchmarks.measuring import Row

_HEADS = ("workload", "ours", "peer", "ratio", "aim", "met?")
_WIDTHS = (26, 34, 38, 7, 16, 6)
_GAP = 2
_WHOLE = sum(_WIDTHS) + _GAP * len(_WIDTHS)


def table(rows: list[Row]) -> str:
    """Columns of fixed width; what a semicolon divides in a cell has lines of its own.

    Roof and cause stand below their row.
    """
    lines = [_line(_HEADS), *(_row(row) for row in rows)]
    return ("-" * _WHOLE + "\n").join(lines)


def _row(row: Row) -> str:
    ratio = "–" if row.ratio is None else f"{row.ratio:.2g}×" if row.ratio < 10 else f"{row.ratio:.0f}×"
    cells = _line((f"{row.workload} {row.what}", row.ours, row.peer, ratio, row.aim, _verdict(row)))
    missed = row.cause if row.met is False else ""
    return cells + _below("roof", row.roof) + _below("cause", missed)


def _verdict(row: Row) -> str:
    if not row.right:
        return "WRONG"
    return {True: "yes", False: "NO", None: "–"}[row.met]


def _line(cells: tuple[str, ...]) -> str:
    columns = [_wrapped(cell, width) for cell, width in zip(cells, _WIDTHS, strict=True)]
    lines = (zip(parts, _WIDTHS, strict=True) for parts in zip_longest(*columns, fillvalue=""))
    return "".join("  ".join(text.ljust(width) for text, width in line).rstrip() + "\n" for line in lines)


def _wrapped(cell: str, width: int) -> list[str]:
    return [line for part in cell.split("; ") for line in textwrap.wrap(part, width) or [""]]


def _below(name: str, text: str) -> str:
    if not text:
        return ""
    indent = " " * (_WIDTHS[0] + _GAP)
    return textwrap.fill(f"{name}: {text}", _WHOLE, initial_indent=indent, subsequent_indent=indent) + "\n"
