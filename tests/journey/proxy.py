"""Stands between an engine and Redis, counts the commands that matter, and strikes at one of them.

A step is a command about credentials, groups or answers; looking around (XREAD, TIME, the lease) does not count. At its
step the proxy either strikes before the command reaches Redis, or lets Redis carry it out and strikes before the answer
comes back: the two sides of every crash.
"""

import os
import socket
import threading

BEFORE_COMMAND = "before the command"
BEFORE_ANSWER = "before the answer"
HELD = "while the command is held"  # it reaches Redis only after release()


class Proxy:
    def __init__(self, path, upstream):
        self.path = path
        self.upstream = upstream
        self.lock = threading.Lock()
        self.armed = None  # (step, side, strike)
        self.counting = False
        self.steps = 0
        self.names = []
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

    def arm(self, step, side, strike):
        """Counts from now on; `strike` is called at that step, on the connection's thread. A step is a number, or a
        function that knows the command it waits for."""
        with self.lock:
            self.steps, self.names, self.counting = 0, [], True
            self.armed = (step, side, strike)
            self.striking = False
            self.struck.clear()
            self.released.clear()

    def disarm(self):
        """The number of steps since arm(). A strike that has begun has ended when this returns."""
        with self.lock:
            self.armed, self.counting = None, False
        if self.striking:
            self.struck.wait()
        return self.steps

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
            if not self.counting or not matters(command):
                return None
            self.steps += 1
            self.names.append(b" ".join(command[:1] + [a for a in command if a.startswith(b"shearline:")][:1]).decode())
            if not self.armed:
                return None
            step, side, _ = self.armed
            return side if (step(command) if callable(step) else step == self.steps) else None

    def strike(self):
        with self.lock:
            if not self.armed:
                return
            strike = self.armed[2]
            self.armed = None
            self.striking = True
        strike()
        self.struck.set()


def matters(command):
    if command[0].upper() in (b"XREAD", b"TIME", b"PING", b"INFO", b"CONFIG"):
        return False
    keys = [argument for argument in command if argument.startswith(b"shearline:")]
    return any(b"{p" in key or b"{g:" in key or b"replies:" in key for key in keys)


class _Link:
    """One connection through the proxy."""

    def __init__(self, proxy, client, server):
        self.proxy = proxy
        self.client = client
        self.server = server
        self.hold_answers = False

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
                if side == BEFORE_ANSWER:
                    self.hold_answers = True
                self.server.sendall(raw)
        except (OSError, EOFError, ValueError):
            pass
        finally:
            self._close()

    def answers(self):
        try:
            while True:
                data = self.server.recv(65536)
                if not data:
                    return
                if self.hold_answers:
                    self.proxy.strike()
                    return
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
