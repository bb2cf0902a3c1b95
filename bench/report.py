"""Results files: JSON, and beside it Markdown and HTML, which ``python -m bench report`` writes again."""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .html import as_html
from .markdown import as_markdown


def load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def as_json(report: dict[str, Any]) -> str:
    """Indented, but lists of numbers on one line."""
    numbers = re.compile(r"\[\s+([-+.\deE,\s]+?)\s+\]")
    text = json.dumps(report, indent=1)
    return numbers.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"


def render(report: dict[str, Any], path: Path) -> None:
    """Write what is for reading."""
    path.with_suffix(".md").write_text(as_markdown(report))
    try:
        path.with_suffix(".html").write_text(as_html(report))
    except ImportError as error:
        print(f"No HTML was written. {error}", file=sys.stderr)


def publish(report: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(as_json(report))
    render(report, path)


def main(prog: str, given: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog, description="Write the Markdown and the HTML of a results file again.")
    parser.add_argument("results", type=Path)
    path = parser.parse_args(given).results
    render(load(path), path)
    return 0
