"""The results for a terminal, within 100 columns."""

import textwrap
from typing import Any

from .tables import Table, machine_text, notes, roofs_text, short_table, summary_table, threads_table, worst_table

WIDTH, GAP = 100, "  "


def drawn(table: Table) -> str:
    """Title, head and lines; all columns but the first are right-aligned; that is cut where it is too long."""
    title, rows = table
    first, *widths = (max(map(len, column)) for column in zip(*(row for row in rows if len(row) > 1), strict=True))
    first = min(first, WIDTH - sum(widths) - len(GAP) * len(widths))
    lines = [
        GAP.join([cut(name, first).ljust(first), *(cell.rjust(w) for cell, w in zip(cells, widths, strict=True))])
        if cells
        else name
        for name, *cells in rows
    ]
    return "\n".join([title, lines[0].rstrip(), "-" * len(lines[0]), *map(str.rstrip, lines[1:])])


def cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 2]}.."


def as_text(report: dict[str, Any]) -> str:
    """What was measured where, the tables, and at the end, where a terminal stands, what may be concluded."""
    tables = [short_table(report), worst_table(report), summary_table(report)]
    tables += [threads_table(report)] if report["threads"] else []
    head, foot = (
        "\n".join(textwrap.fill(line, WIDTH, subsequent_indent=GAP) for line in lines)
        for lines in ([machine_text(report), *map(roofs_text, report["roofs"])], notes(report))
    )
    return "\n\n".join([head, *(drawn(table) for table in tables if len(table[1]) > 1), foot])
