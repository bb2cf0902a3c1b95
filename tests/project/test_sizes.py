"""One idea a file: more than 400 lines of code, docstrings and comments aside, are two."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAX = 400


def lines_of_python(text: str) -> int:
    documentation = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            documentation |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    lines = enumerate(text.splitlines(), 1)
    return sum(bool(re.match(r"\s*[^#\s]", line)) for number, line in lines if number not in documentation)


def lines_of_cpp(text: str) -> int:
    return sum(bool(re.match(r"\s*(?!//)\S", line)) for line in text.splitlines())


@pytest.mark.parametrize(
    ("folder", "endings", "count"),
    [("python/fastopt", (".py",), lines_of_python), ("src/cpp", (".h", ".cpp"), lines_of_cpp)],
    ids=["python", "cpp"],
)
def test_one_idea_a_file(folder, endings, count):
    files = [path for path in (ROOT / folder).rglob("*") if path.suffix in endings]
    assert len(files) > 50
    assert {str(path): n for path in files if (n := count(path.read_text())) > MAX} == {}


def test_what_is_counted():
    assert (
        lines_of_python('"""Text\n\ntext."""\n\n# comment\nx = 1  # one\n\ndef f():\n    """Text."""\n    return x\n')
        == 3
    )
    assert lines_of_cpp("// comment\nint x;  // one\n\n  // more\n  int y;\n") == 2
