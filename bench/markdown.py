"""The results as Markdown, with all peers."""

from typing import Any

from .tables import Table, machine_text, notes, result_tables, side_tables, summary_table, worst_table


def drawn(table: Table) -> str:
    """A table without its title."""
    head, *body = table[1]
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, rule, *body])


def as_markdown(report: dict[str, Any]) -> str:
    tables = [summary_table(report), worst_table(report), *result_tables(report), *side_tables(report)]
    parts = [f"## {table[0]}\n\n{drawn(table)}" for table in tables if len(table[1]) > 1]
    return "\n\n".join(["# Benchmark", machine_text(report), *notes(report), *parts]) + "\n"
