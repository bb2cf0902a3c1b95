"""What else goes on in the process, or does not: other interpreters, exits, forks, threads that change the data."""

import subprocess
import sys

import pytest


def run(code, *, status=0):
    """Run Python in a process of its own; return what it printed."""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.returncode == status, result.stderr
    return result.stdout + result.stderr


def test_subinterpreter():
    code = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
code = "try:\\n    import fastopt\\nexcept ImportError as error:\\n    print(error, flush=True)"
interpreters.run_string(interpreters.create(), code)
"""
    assert "subinterpreter" in run(code) or sys.version_info >= (3, 12)  # then Python says it


def test_exit_functions_that_run_early():
    """Threads work after them, and the exit waits for theirs as ever."""
    code = """
import atexit, threading, numpy as np, fastopt as fo
a = np.ones((300, 300))
fo.kernels.matmul(a, a)
atexit._run_exitfuncs()
thread = threading.Thread(target=lambda: print(fo.kernels.matmul(a, a).sum()))
thread.start()
thread.join()
def work():
    while True:
        fo.kernels.matmul(a, a)
threading.Thread(target=work, daemon=True).start()
"""
    assert run(code) == "27000000.0\n"


def test_child_of_a_process_whose_other_thread_works():
    """It exits at once, and an optimizer in the middle of a step says so."""
    code = """
import os, signal, sys, threading, time, numpy as np, fastopt as fo
fo.set_num_threads(1)
w, g = np.ones(20_000_000, np.float32), np.ones(20_000_000, np.float32)
optimizer = fo.optimizers.Adam()
optimizer.update(w, g)
done = threading.Event()
def work():
    while not done.is_set():
        optimizer.update(w, g)
thread = threading.Thread(target=work)
thread.start()
time.sleep(0.05)
start = time.monotonic()
child = os.fork()
if child == 0:
    signal.alarm(20)
    try:
        optimizer.update(w, g)
    except RuntimeError as error:
        sys.exit(0 if "forked while a call worked on this optimizer" in str(error) else 1)
    sys.exit(2)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print(time.monotonic() - start)
done.set()
thread.join()
"""
    assert float(run(code).splitlines()[0]) < 0.8


FEWER_THREADS = """
import os, resource, sys, warnings, numpy as np, fastopt as fo
a = np.ones((600, 600), np.float32)
fo.set_num_threads(1)
expected = fo.kernels.matmul(a, a)
def limit():
    with open("/proc/self/status") as status:
        size = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmSize"))
    # Too little for a thread, even with musl, whose stacks are small.
    resource.setrlimit(resource.RLIMIT_AS, (size + 2 * 2**20,) * 2)
def products():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            assert (fo.kernels.matmul(a, a, out=out) == expected).all()
    print([f"{warning.filename}: {warning.message}" for warning in caught], flush=True)
out = np.empty_like(a)
"""


def test_no_thread_can_be_started():
    """Work goes on with fewer, after one warning."""
    said = run(FEWER_THREADS + "limit()\nfo.set_num_threads(3)\nproducts()")
    assert said.count("<string>: the system lets 1 of 3 threads be started") == 1


@pytest.mark.filterwarnings("ignore:.*fork")
def test_no_thread_can_be_started_in_a_child():
    code = """
fo.set_num_threads(3)
products()
child = os.fork()
if child == 0:
    limit()
    fo.set_num_threads(16)
    products()
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
products()
"""
    said = run(FEWER_THREADS + code).splitlines()
    assert said[0] == said[2] == "[]"
    assert "threads be started" in said[1]


def test_a_fork_after_each_team():
    """Threads that have just been started are released too."""
    code = """
import os, numpy as np, fastopt as fo
fo.set_num_threads(16)
a = np.ones((400, 400), np.float32)
for _ in range(50):
    fo.kernels.matmul(a, a)
    child = os.fork()
    if child == 0:
        fo.kernels.matmul(a, a)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""
    run(code)


@pytest.mark.parametrize("what", ["fit", "metric", "top_k", "loss", "maxout"])
def test_labels_that_another_thread_changes(what):
    """They are checked, and then read again without the GIL: never as a place in memory."""
    code = f"""
import threading, numpy as np, fastopt as fo
from fastopt._core import kernels
n, what = 20_000, {what!r}
x, y = np.ones((n, 8), np.float32), np.zeros(n, np.int64)
model = fo.Sequential([fo.layers.Dense(10)])
model.compile("sgd", "sparse_categorical_crossentropy", ["accuracy"])
calls = {{
    "fit": lambda: model.fit(x, y, 256, verbose=0),
    "metric": lambda: kernels.metric("sparse_categorical_accuracy", x, y),
    "top_k": lambda: kernels.metric("sparse_top_k_accuracy(3)", x, y),
    "loss": lambda: kernels.loss("sparse_categorical_crossentropy", x, y),
    "maxout": lambda: kernels.maxout_backward(x[:, :1].copy(), y[:, None], 8),
}}
done = threading.Event()
def spoil():
    while not done.wait(0.0001):
        y[-1] = 2**40
        y[-1] = 0
thread = threading.Thread(target=spoil)
thread.start()
for _ in range(200):
    try:
        calls[what]()
    except ValueError:
        pass
done.set()
thread.join()
"""
    run(code)
