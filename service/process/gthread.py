"""Gunicorn's worker, as this service wants it: even connections, no thread for the slow."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import selectors
import socket
import struct
import time
from functools import partial
from typing import Any

from gunicorn.arbiter import Arbiter

from service.process.connection import Connection
from service.process.inline import InlineWorker
from service.process.logs import log, log_failure
from service.process.state import State
from service.web.problems import BadRequest, Failed, Problem

SO_ATTACH_FILTER = 26
#: How long a worker leaves a new connection to one that has fewer. Clients keep theirs, so the
#: first deal stays.
YIELD_SECONDS = 0.005
SEND_TIMEOUT = struct.pack("ll", 30, 0)


def drop_newcomers(listener: Any) -> None:
    """The kernel ignores new callers from here on: once the port is closed, they are refused.

    Without it, who connects between the last accept and the close would be reset. The workers share
    the socket, so this is for the end of all of them.
    """
    # One instruction of the kernel's packet filter: let no byte pass.
    program = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    option = struct.pack("HL", 1, ctypes.addressof(program))
    # A kernel without packet filters leaves a gap of microseconds.
    with contextlib.suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, option)


class Worker(InlineWorker):
    """A gthread worker: a connection gets a thread once it has sent something, and not for ever."""

    #: Set before the fork: what all workers share.
    state = State()

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        #: Its place in what is shared: the first that is free, so a predecessor's.
        self.slot = free_slot(Arbiter.WORKERS.values())
        self._yielding_until = 0.0

    def init_process(self) -> None:
        self.state.take_slot(self.slot)
        super().init_process()

    def waiting(self) -> int:
        """Requests that wait for a thread."""
        return int(self.tpool._work_queue.qsize())  # pylint: disable=protected-access

    def _ahead(self) -> bool:
        """Whether another worker should take the connection: it has fewer, and gets a moment to."""
        mine, fewest = self.nr_conns - len(self.closing), self.state.fewest_connections
        # Of many, some more do no harm, and an exact deal would take long.
        if not self.alive or mine <= fewest + fewest // 8:
            self._yielding_until = 0.0
            return False
        now = time.monotonic()
        if not self._yielding_until:
            self._yielding_until = now + YIELD_SECONDS
        if now < self._yielding_until:
            if self.ready == 1:
                # Nobody else waits for this worker.
                time.sleep(YIELD_SECONDS / 10)
            return True
        self._yielding_until = 0.0
        return False

    def accept(self, listener: Any) -> None:
        """As the base class does, but evenly, and all that are there: a turn of the loop may be long."""
        while self.nr_conns < self.worker_connections and not self._ahead():
            if not self._take_in(listener):
                return

    def _take_in(self, listener: Any) -> bool:
        """Whether there was a connection. It waits for its first bytes in the poller."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return False
        self.nr_conns += 1
        self._tell()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, SEND_TIMEOUT)
        connection = Connection(self, client, address, listener.getsockname())
        connection.timeout = time.monotonic() + self.read_timeout
        self.pending_conns.append(connection)
        then = partial(self.on_pending_socket_readable, connection)
        self.watch(connection, selectors.EVENT_READ, then)
        return True

    def set_accept_enabled(self, enabled: bool) -> None:
        """At the stop, takes in who has connected; then closes, so that later ones are refused."""
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        for listener in self.sockets:
            if self.state.draining:
                drop_newcomers(listener)
            before = -1
            while before != self.nr_conns:
                before = self.nr_conns
                self.accept(listener)
            listener.close()

    def notify(self) -> None:
        super().notify()
        self._tell()
        if self.state.draining and self.cfg.keepalive:
            # From here on each answer closes its connection, so that callers go elsewhere.
            self.cfg.set("keepalive", 0)

    def _tell(self) -> None:
        self.state.set_connections(self.nr_conns - len(self.closing))

    # The base class's signature.
    # pylint: disable-next=unused-argument
    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """What Gunicorn refuses is a problem document too, and a line of the log says why."""
        request_id = os.urandom(16).hex()
        if type(exc).__module__.startswith("gunicorn.http"):
            reason = type(exc).__name__
            problem: Problem = BadRequest(f"the request is not sound HTTP: {reason}")
            # Not the text: it may repeat a header, and so a key.
            log("warning", "refused", request_id=request_id, reason=reason, client=_host(addr))
        else:
            problem = Failed("this request failed; its id is in the log")
            log_failure(request_id, exc)
        client.sendall(problem.reply(request_id).as_http())


def _host(address: Any) -> str:
    return str(address[0]) if isinstance(address, tuple) else ""


def free_slot(workers: Any) -> int:
    taken = {worker.slot for worker in workers}
    return next(slot for slot in range(len(taken) + 1) if slot not in taken)
