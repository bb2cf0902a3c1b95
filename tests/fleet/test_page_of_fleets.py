"""The examples of docs/fleet.md run, one after the other."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/fleet.md"


def test_page(capsys):
    exec(compile("\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)), "fleet.md", "exec"), {})
    assert "best rate: 0.01" in capsys.readouterr().out
