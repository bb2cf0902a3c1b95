"""Processes that are forked and train, while the parent has trained and while another of its threads trains."""

import threading

import fastopt as fo
from reliability.children import ended, forked
from reliability.models import X, Y, built, state


def trained(threads):
    fo.set_num_threads(threads)
    model = built("norm")
    model.fit(X, Y, 8, 2, verbose=0)
    return state(model)


def run(size, first=0):
    """Fork so many processes, half of them beside a thread that trains, each to train a model as the parent does."""
    before = fo.get_num_threads()
    faults = []
    expected = trained(2)

    def train():
        assert trained(1 + number % 4) == expected, "the child's model differs"

    done = threading.Event()

    def beside():
        model = built("dense")
        while not done.is_set():
            model.fit(X, Y, 8, 20, verbose=0)

    thread = threading.Thread(target=beside)
    try:
        for number in range(first, first + size):
            if number == first + size // 2:
                thread.start()
            status = ended(forked(train))
            if status:
                faults.append(f"{number}: the child ended with {status}")
            if number % 50 == 0 and trained(2) != expected:
                faults.append(f"{number}: the parent's model differs")
    finally:
        done.set()
        if thread.ident is not None:
            thread.join()
        fo.set_num_threads(before)
    return f"{size} children, half of them beside a thread that trained", faults
