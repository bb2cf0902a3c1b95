"""The results for a terminal of 80 columns."""

import textwrap
from collections.abc import Iterable
from typing import Any

from .tables import Part, machine_text, notes, parts

WIDTH, LEAST, GAP = 80, 16, "  "  # LEAST: of the first column, however many there are


def drawn(part: Part) -> str:
    """Title, head and lines; all columns but the first are right-aligned; that is cut where it is too long."""
    first, *widths = (max(map(len, column)) for column in zip(*part.table, strict=True))
    first = min(first, max(LEAST, WIDTH - sum(widths) - len(GAP) * len(widths)))
    lines = [
        GAP.join([cut(name, first).ljust(first), *(cell.rjust(w) for cell, w in zip(cells, widths, strict=True))])
        for name, *cells in part.table
    ]
    return "\n".join([filled([part.title]), lines[0].rstrip(), "-" * len(lines[0]), *map(str.rstrip, lines[1:])])


def cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 2]}.."


def filled(lines: Iterable[str]) -> str:
    return "\n".join(textwrap.fill(line, WIDTH, subsequent_indent=GAP) for line in lines)


def as_text(report: dict[str, Any]) -> str:
    """What was measured where, the tables, and at the end, where a terminal stands, what may be concluded."""
    tables = map(drawn, parts(report, brief=True))
    return "\n\n".join([filled([machine_text(report)]), *tables, filled(notes(report))])
