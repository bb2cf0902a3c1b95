"""Notices at once when one of several processes has ended, whatever started them."""

import os
import selectors
import socket
import sys
import threading
from contextlib import suppress
from typing import Any

__all__ = ["Watch"]

PATIENCE = 5.0  # seconds in which a process must have connected
GOODBYE, LOST = b"g", b"l"


class Watch:
    """Connections between the first process and each of the others, which the system closes when one ends.

    Where they cannot be made, as behind a firewall, nothing is watched but what the launcher of the processes watches.

    Args:
        rank: The number of this process.
        size: Of how many.
        tell: Takes an object of each process and returns the list of all; all processes call it.
    """

    def __init__(self, rank: int, size: int, tell: Any) -> None:
        self.rank, self.lost = rank, ""
        self._others: dict[int, socket.socket] = {}
        self._closed = False
        host = socket.gethostname()
        listener: socket.socket | None = None
        if rank == 0:
            listener = socket.create_server(("", 0), backlog=size)
            listener.settimeout(PATIENCE)
        key = os.urandom(16)
        place = (host, listener.getsockname()[1] if listener else 0, os.getpid(), key)
        places = tell(place)
        self._names = [f"Rank {i} (process {pid} on {name})" for i, (name, _, pid, _) in enumerate(places)]
        try:
            if listener is not None:
                self._accept(listener, size, key)
            else:
                self._connect(places[0], host)
            made = True
        except OSError:
            made = False
        finally:
            if listener is not None:
                listener.close()
        if all(tell(made)) and size > 1:
            selector = selectors.DefaultSelector()
            for number, other in self._others.items():  # here: they may be closed before the thread runs
                other.settimeout(None)
                selector.register(other, selectors.EVENT_READ, number)
            threading.Thread(target=self._look, args=(selector,), name="fastopt-watch", daemon=True).start()
        else:
            self._close_all()

    def _accept(self, listener: socket.socket, size: int, key: bytes) -> None:
        while len(self._others) < size - 1:
            other, _ = listener.accept()
            other.settimeout(PATIENCE)
            said = other.recv(20, socket.MSG_WAITALL)
            if said[:16] == key:
                self._others[int.from_bytes(said[16:], "little")] = other
            else:
                other.close()

    def _connect(self, place: tuple[str, int, int, bytes], host: str) -> None:
        name, port, _, key = place
        other = socket.create_connection(("127.0.0.1" if name == host else name, port), PATIENCE)
        other.sendall(key + self.rank.to_bytes(4, "little"))
        self._others[0] = other

    def _look(self, selector: selectors.BaseSelector) -> None:
        with selector:
            while selector.get_map() and not self._closed:
                for key, _ in selector.select(0.5):
                    speaker: Any = key.fileobj
                    try:
                        said = speaker.recv(1)
                    except OSError:
                        said = b""
                    if said == GOODBYE:
                        selector.unregister(speaker)
                    elif said == LOST:
                        self._notice(int.from_bytes(speaker.recv(4, socket.MSG_WAITALL), "little"))
                    else:
                        selector.unregister(speaker)
                        if not self._closed:
                            self._notice(key.data)

    def _notice(self, number: int) -> None:
        if self.lost:
            return
        self.lost = (
            f"{self._names[number]} has ended without a word, and training with it. Go on from the last file that "
            "BackupAndRestore or ModelCheckpoint has written, with any number of ranks."
        )
        if self.rank == (0 if number else 1):
            os.write(sys.stderr.fileno() if sys.stderr else 2, f"fastopt.distributed: {self.lost}\n".encode())
        for rank, connection in self._others.items():
            if rank != number:
                self._say(connection, LOST + number.to_bytes(4, "little"))

    @staticmethod
    def _say(connection: socket.socket, what: bytes) -> None:
        with suppress(OSError):  # it may have ended as well
            connection.sendall(what)

    def close(self) -> None:
        """Stop: all processes go on without each other."""
        self._closed = True
        for connection in self._others.values():
            self._say(connection, GOODBYE)
        self._close_all()

    def _close_all(self) -> None:
        for connection in self._others.values():
            connection.close()
        self._others = {}
