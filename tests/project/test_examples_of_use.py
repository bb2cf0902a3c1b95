"""The examples that people come for do what their pages say, in short forms."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


def example(name):
    return runpy.run_path(str(ROOT / "examples" / f"{name}.py"))


@pytest.mark.parametrize("name", ["ppo", "load_forecast", "physics", "realmlp"])
def test_help(name, capsys):
    pytest.importorskip({"ppo": "gymnasium", "realmlp": "sklearn"}.get(name, "numpy"))
    with pytest.raises(SystemExit, match="0"):
        example(name)["main"](["--help"])
    assert "usage" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["reinforcement_learning", "forecasting"])
def test_page(name):
    page = (ROOT / f"docs/{name}.md").read_text()
    exec(compile("\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)), name, "exec"), {})


def test_gradients_of_ppo():
    """They are those of the loss that the text states."""
    pytest.importorskip("gymnasium")
    ppo, rng = example("ppo"), np.random.default_rng(0)
    n = 12
    logits, value = rng.normal(size=(n, 3)), rng.normal(size=n)
    action = rng.integers(0, 3, n)
    old = ppo["log_softmax"](logits)[np.arange(n), action] + rng.normal(0, 0.3, n)
    advantage, target, before = rng.normal(size=(3, n))

    def loss(logits, value):
        log_p = ppo["log_softmax"](logits)
        ratio, a = np.exp(log_p[np.arange(n), action] - old), (advantage - advantage.mean()) / advantage.std(ddof=1)
        clipped = before + np.clip(value - before, -0.2, 0.2)
        policy = np.maximum(-a * ratio, -a * np.clip(ratio, 0.8, 1.2)).mean()
        entropy = -(np.exp(log_p) * log_p).sum(axis=1).mean()
        return policy - 0.01 * entropy + 0.25 * np.maximum((value - target) ** 2, (clipped - target) ** 2).mean()

    found = ppo["gradients"](logits, value, action, old, advantage, target, before)
    for array, gradient in zip((logits, value[:, None]), found, strict=True):
        for place in np.ndindex(*array.shape):
            kept, differences = array[place], []
            for h in (1e-6, -1e-6):
                array[place] = kept + h
                differences.append(loss(logits, value))
            array[place] = kept
            assert abs((differences[0] - differences[1]) / 2e-6 - gradient[place]) < 1e-7


def test_ppo_learns(capsys):
    pytest.importorskip("gymnasium")
    [mean] = example("ppo")["main"](["--seeds", "1", "--steps", "10000"])
    assert mean > 30  # of 20 at the start
    assert "simulator" in capsys.readouterr().out


def test_load_forecast(tmp_path, capsys):
    error, before = example("load_forecast")["main"](["--epochs", "1", "--export", str(tmp_path / "load.c")])
    assert error < before / 2
    assert (tmp_path / "load.c").stat().st_size > 1_000_000


def test_physics(capsys):
    assert example("physics")["main"](["--iterations", "2000"]) < 0.02


def test_realmlp(capsys):
    pytest.importorskip("sklearn")
    found = example("realmlp")["main"](["--folds=2", "--epochs=8", "--tables", "breast cancer", "--methods", "RealMLP"])
    assert min(found.values()) > 0.9
