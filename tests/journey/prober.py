"""Gateways that check secrets without pause through every restart, and what they may hear: the kill series uses one for each
of its deployments."""

import contextlib
import threading
import time

from deployment import Resp, wait_for

ACCEPTING = ("current", "grace", "next")
PAUSE_S = 0.004


def now_ms():
    return int(time.time() * 1000)


class Heard:
    """One secret: the verdicts that may come, in order, and those that came, each with when it was first and last heard."""

    def __init__(self, client_id, secret, allowed):
        self.client_id, self.secret, self.allowed = client_id, secret, allowed
        self.phases = []  # [verdict, last asked at, first answered at]

    def hear(self, verdict, asked_ms, answered_ms):
        if not self.phases or self.phases[-1][0] != verdict:
            self.phases.append([verdict, asked_ms, answered_ms])
        self.phases[-1][1] = asked_ms

    @property
    def verdicts(self):
        return [phase[0] for phase in list(self.phases)]

    def fault(self):
        """What it should not have heard: another verdict, or one after its successor. None: nothing."""
        at = 0
        for verdict in self.verdicts:
            if verdict not in self.allowed[at:]:
                return "heard %s, may hear %s" % (self.verdicts, list(self.allowed))
            at = self.allowed.index(verdict, at)
        return None

    def window_fault(self, window_ends_ms):
        """Accepting ends at this very millisecond: neither accepted when asked at or after it, nor refused before it."""
        phases = list(self.phases)
        for verdict, last_asked_ms, _ in phases:
            if verdict in ACCEPTING and last_asked_ms >= window_ends_ms:
                return "%s %d ms after its end" % (verdict, last_asked_ms - window_ends_ms)
        if phases[-1][2] < window_ends_ms:
            return "%s %d ms before its end" % (phases[-1][0], window_ends_ms - phases[-1][2])
        return None


class Prober:
    def __init__(self, address_of):
        self.address_of = address_of
        self.lock = threading.Lock()
        self.watched = {}
        self.dead = []  # (client_id, secret): never accepted again
        self.revived = []  # of the dead, those that were
        self.rounds = 0  # whole rounds of answers, dead ones included
        self.cut_off = 0  # connections that were lost
        self.undecided = 0  # answers that said so
        self.longest_silence_s = 0.0  # a silence of more than 10 s cuts it off (Resp)
        self.excusing = False
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def watch(self, name, client_id, secret, allowed):
        with self.lock:
            self.watched[name] = Heard(client_id, secret, allowed)

    def bury(self):
        """Ends watching; what was refused at last must stay so for ever. What was watched, by name."""
        with self.lock:
            watched, self.watched = self.watched, {}
            self.dead += [(heard.client_id, heard.secret) for heard in watched.values() if heard.allowed[-1] == "rejected"]
        return watched

    @contextlib.contextmanager
    def excused(self):
        """What is cut off or undecided meanwhile does not count: the test restarts the engine itself."""
        self.excusing = True
        yield
        rounds = self.rounds
        wait_for("gateways to be served again", lambda: self.rounds > rounds + 1)
        self.excusing = False

    def fault(self):
        """How it was not served, for one whose engine lives all the while. None: it was."""
        if self.cut_off or self.undecided:
            return "cut off %d times, undecided %d times" % (self.cut_off, self.undecided)
        return None

    def _run(self):
        while not self.stopping.wait(PAUSE_S):
            try:
                connection = Resp(self.address_of())
            except OSError:
                continue
            try:
                while not self.stopping.wait(PAUSE_S):
                    began = time.monotonic()
                    self._round(connection)
                    self.longest_silence_s = max(self.longest_silence_s, time.monotonic() - began)
            except (OSError, EOFError):
                self.cut_off += not self.excusing
            finally:
                connection.close()

    def _round(self, connection):
        with self.lock:
            watched, dead = list(self.watched.values()), list(self.dead)
        if not watched and not dead:
            connection.call("PING")
        for heard in watched:
            asked = now_ms()
            verdict = connection.call("VERIFY", heard.client_id, heard.secret)
            if verdict.startswith("-UNAVAILABLE"):
                self.undecided += not self.excusing
            else:
                heard.hear(verdict, asked, now_ms())
        if dead:
            answer = connection.call("MVERIFY", *[part for pair in dead for part in pair])
            if isinstance(answer, bytes):
                self.revived += [pair for pair, verdict in zip(dead, answer) if verdict in b"cgn"]
            # "Cannot decide" is no acceptance, but no service either.
            undecided = b"u" in answer if isinstance(answer, bytes) else answer.startswith("-UNAVAILABLE")
            self.undecided += undecided and not self.excusing
        self.rounds += 1

    def stop(self):
        self.stopping.set()
        self.thread.join()
