"""Ctrl-C at a chosen moment."""

import gc
import os
import signal
import threading
import time

import pytest


def interrupt(call, seconds):
    """Send SIGINT to `call` after so many seconds; return how long KeyboardInterrupt took."""
    sent = []

    def send():
        time.sleep(seconds)
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=send)

    def start_and_call():
        thread.start()  # the signal may come here already
        call()

    gc.disable()  # a function of another library that is called at a collection, as one of dask's, would swallow it
    try:
        with pytest.raises(KeyboardInterrupt):
            start_and_call()
        return time.monotonic() - sent[0]
    finally:
        gc.enable()
        thread.join()
