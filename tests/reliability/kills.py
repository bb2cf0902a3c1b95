"""Processes that are killed while they save: the file is the old one or the new one, never a part of one."""

import os
import random
import signal
import tempfile
import time
from pathlib import Path

from reliability.children import ended, forked
from reliability.models import built


def run(size, first=0):
    """Kill so many processes that do nothing but save two models to one file, in turn."""
    draw = random.Random(first)
    faults, seen = [], [0, 0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model")
        models, contents = [built("norm", seed=seed) for seed in range(2)], []
        for model in models:
            model.save(path)
            contents.append(path.read_bytes())

        def save():
            while True:
                for model in models:
                    model.save(path)

        for number in range(size):
            child = forked(save)
            time.sleep(draw.uniform(0.001, 0.06))
            os.kill(child, signal.SIGKILL)
            if ended(child) != -signal.SIGKILL:
                faults.append(f"{number}: the process ended by itself")
            content = path.read_bytes()
            if content not in contents:
                faults.append(f"{number}: the file has {len(content)} bytes, and is neither of the two")
            else:
                seen[contents.index(content)] += 1
        left = len(os.listdir(folder)) - 1
        models[0].save(path)
        if os.listdir(folder) != ["model"]:
            faults.append(f"the next save leaves {os.listdir(folder)}")
    return (
        f"{seen[0]} times the one file, {seen[1]} the other; {left} unfinished left, which the next save removed",
        faults,
    )
