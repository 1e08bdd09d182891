"""Stands between an engine (or an admin) and Redis, keeps what is published, and strikes at a command that it is told to wait for:
before the command reaches Redis, or once Redis has carried it out and before the answer comes back, the two sides of every
crash. Which commands are steps of a change is not its business (steps.py).
"""

import collections
import os
import socket
import threading

BEFORE_COMMAND = "before the command"
BEFORE_ANSWER = "before the answer"
HELD = "while the command is held"  # it reaches Redis only after release()
CARRIED_OUT = b"all before this is carried out"


class Proxy:
    def __init__(self, path, upstream):
        self.path = path
        self.upstream = upstream
        self.lock = threading.Lock()
        self.armed = None  # (is_it, side, strike)
        self.published = collections.defaultdict(list)  # channel -> messages, since the last forget()
        self.seen = collections.Counter()  # commands by name, since it began
        self.late_answers = []  # what Redis said to commands that were held
        self.striking = False  # a strike has begun; `struck` says when it is done
        self.struck = threading.Event()
        self.released = threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        return "unix:" + self.path

    def arm(self, is_it, side, strike):
        """`is_it` is asked about each command from now on; at the one that it says yes to, `strike` is called, on the
        connection's thread."""
        with self.lock:
            self.armed = (is_it, side, strike)
            self.striking = False
            self.struck.clear()
            self.released.clear()

    def disarm(self):
        """Asks no more. A strike that has begun has ended when this returns."""
        with self.lock:
            self.armed = None
        if self.striking:
            self.struck.wait()

    def forget(self):
        with self.lock:
            self.published.clear()

    def heard(self, channel):
        """What was published on it, in order."""
        with self.lock:
            return list(self.published[channel])

    def release(self):
        self.released.set()

    def close(self):
        self.released.set()
        self.listener.close()
        os.unlink(self.path)

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.socket(socket.AF_UNIX)
                server.connect(self.upstream)
            except OSError:
                client.close()
                continue
            link = _Link(self, client, server)
            threading.Thread(target=link.commands, daemon=True).start()
            threading.Thread(target=link.answers, daemon=True).start()

    def _side_of(self, command):
        """What to do about this command: None, or the side to strike on."""
        with self.lock:
            self.seen[command[0].upper()] += 1
            if command[0].upper() == b"PUBLISH":
                self.published[command[1].decode()].append(command[2])
            if not self.armed:
                return None
            is_it, side, _ = self.armed
            return side if is_it(command) else None

    def strike(self):
        with self.lock:
            if not self.armed:
                return
            strike = self.armed[2]
            self.armed = None
            self.striking = True
        strike()
        self.struck.set()


class _Link:
    """One connection through the proxy."""

    def __init__(self, proxy, client, server):
        self.proxy = proxy
        self.client = client
        self.server = server
        self.hold_answers = False
        self.was_held = False

    def commands(self):
        reader = self.client.makefile("rb")
        try:
            while True:
                raw, command = read_command(reader)
                side = self.proxy._side_of(command)
                if side == BEFORE_COMMAND:
                    self.proxy.strike()
                    return
                if side == HELD:
                    self.proxy.strike()
                    self.proxy.released.wait()
                    self.was_held = True
                if side == BEFORE_ANSWER:
                    self.hold_answers = True
                    raw += b"*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n" % (len(CARRIED_OUT), CARRIED_OUT)
                self.server.sendall(raw)
        except (OSError, EOFError, ValueError):
            pass
        finally:
            self._close()

    def answers(self):
        held = b""
        try:
            while True:
                data = self.server.recv(65536)
                if not data:
                    return
                if self.hold_answers:
                    # Answers to what was sent before it may still be on their way: it is carried out when the echo comes.
                    held += data
                    if CARRIED_OUT in held:
                        self.proxy.strike()
                        return
                    continue
                if self.was_held:
                    self.proxy.late_answers.append(data)
                self.client.sendall(data)
        except OSError:
            pass
        finally:
            self._close()

    def _close(self):
        for one in (self.client, self.server):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def read_command(reader):
    """One RESP array as its bytes and its arguments."""
    head = reader.readline()
    if not head:
        raise EOFError
    if head[:1] != b"*":
        raise ValueError("not an array")
    raw = [head]
    arguments = []
    for _ in range(int(head[1:])):
        size = reader.readline()
        body = reader.read(int(size[1:]) + 2)
        raw += [size, body]
        arguments.append(body[:-2])
    return b"".join(raw), arguments
