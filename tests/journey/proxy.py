"""Stands between an engine (or an admin) and Redis, counts the commands that matter, keeps what is published, and strikes at
one of the commands.

A step is a command about credentials, groups or answers; looking around (XREAD, TIME, the lease) does not count. At its
step the proxy either strikes before the command reaches Redis, or lets Redis carry it out and strikes before the answer
comes back: the two sides of every crash. A command that only reads leaves both sides the same and counts for the first
alone.
"""

import collections
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
        self.concerns = matters
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

    def arm(self, step, side, strike, concerns=None):
        """Counts from now on; `strike` is called at that step, on the connection's thread. A step is a number, or a
        function that knows the command it waits for; `concerns` says which commands are steps at all."""
        with self.lock:
            self.steps, self.names, self.counting = 0, [], True
            self.concerns = concerns or matters
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
            if not self.counting or not self.concerns(command):
                return None
            if self.armed and self.armed[1] == BEFORE_ANSWER and not writes(command):
                return None
            self.steps += 1
            self.names.append(name_of(command))
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
    keys = keys_of(command)
    return any(b"{p" in key or b"{g:" in key or b"replies:" in key for key in keys)


def keys_of(command):
    return [argument for argument in command if argument.startswith(b"shearline:")]


def writes(command):
    """Whether it changes something, or tells somebody something."""
    if command[0].upper() == b"PUBLISH":
        return True
    return command[0].upper() in (b"EVAL", b"EVALSHA") and any(key.endswith((b":records", b":outbox", b":stream", b":fence"))
                                                               for key in keys_of(command))


def name_of(command):
    """Its name and the last part of what it is about: a script's main key says which one it is."""
    for kind in (b":records", b":stream", b":outbox"):
        if any(key.endswith(kind) for key in keys_of(command)):
            return (command[0] + b" " + kind[1:]).decode()
    return b" ".join([command[0]] + [key.split(b":")[-2 if b":replies:" in key else -1] for key in keys_of(command)][:1]).decode()


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
