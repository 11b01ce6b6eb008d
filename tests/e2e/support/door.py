"""A door in front of several web workers: each connection goes to the next one that is alive, as behind a proxy."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle

from tests.e2e.support.processes import free_port

WEBSOCKET = b"GET /_event"


class Door:
    """`visits` counts the connections that each worker's port has taken; `line_at` is the port of the latest websocket."""

    def __init__(self, ports: list[int]) -> None:
        self.port = free_port()
        self.visits = dict.fromkeys(ports, 0)
        self.line_at = 0
        # Each turn is an order of all of them: with one in common, two who ask at once could both be led to the dead one only.
        self._turns = cycle([ports[place:] + ports[:place] for place in range(len(ports))])
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._let_in, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _let_in(self) -> None:
        with suppress(OSError):
            while True:
                visitor, _ = self._listener.accept()
                threading.Thread(target=self._lead, args=(visitor,), daemon=True).start()

    def _lead(self, visitor: socket.socket) -> None:
        # Browsers open connections ahead of what they will ask: who answers is settled when they ask, or it may have died by then.
        asked = visitor.recv(1024, socket.MSG_PEEK)
        worker = self._next_worker() if asked else None
        if worker is None:
            visitor.close()
            return
        if WEBSOCKET in asked:
            self.line_at = worker.getpeername()[1]
        with visitor, worker:
            back = threading.Thread(target=_pass_on, args=(worker, visitor), daemon=True)
            back.start()
            _pass_on(visitor, worker)
            back.join()

    def _next_worker(self) -> socket.socket | None:
        for port in next(self._turns):
            with suppress(OSError):
                worker = socket.create_connection(("127.0.0.1", port))
                self.visits[port] += 1
                return worker
        return None


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """Until one side closes; then both are."""
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def door_to(ports: list[int]) -> Iterator[Door]:
    door = Door(ports)
    try:
        yield door
    finally:
        door.close()
