"""The results as Markdown, with all peers."""

from typing import Any

from .tables import machine_text, notes, parts


def drawn(table: list[list[str]]) -> str:
    head, *body = table
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, rule, *body])


def as_markdown(report: dict[str, Any]) -> str:
    found = [f"## {part.title}\n\n{drawn(part.table)}" for part in parts(report)]
    return "\n\n".join(["# Benchmark", machine_text(report), *notes(report), *found]) + "\n"
