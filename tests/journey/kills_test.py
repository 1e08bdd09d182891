"""A rotation with a SIGKILL at every step of it, of the engine, then of Redis, then with nobody killed and only the
connection cut; after each the rotation ends as if nothing had happened (model.md invariants 1 to 7 and 10), and no audit
event is lost or doubled.

SHEARLINE_KILL_EVERY=n strikes only at every n-th step, for quick rounds.
"""

import collections
import hashlib
import json
import os
import sys
import threading
import time
import unittest

from deployment import BIN, Deployment, Impatient, Resp, wait_for
from proxy import BEFORE_ANSWER, BEFORE_COMMAND, Proxy

EVERY = int(os.environ.get("SHEARLINE_KILL_EVERY", "1"))
STEPS_MAX = 200


class Prober:
    """A gateway that checks the old secret without pause: it may hear nothing, but never that the secret is wrong."""

    def __init__(self, engine_of, client_id, secret):
        self.engine_of, self.client_id, self.secret = engine_of, client_id, secret
        self.verdicts = collections.Counter()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stopping.wait(0.005):
            try:
                connection = Resp(self.engine_of().address)
                while not self.stopping.wait(0.005):
                    verdict = connection.call("VERIFY", self.client_id, self.secret)
                    self.verdicts[verdict.split()[0]] += 1
            except (OSError, EOFError):
                continue

    def stop(self):
        self.stopping.set()
        self.thread.join()
        return self.verdicts


def trail_is_whole(test, lines):
    """Every line names the hash of the one before it."""
    before = "0" * 64
    for number, line in enumerate(lines, 1):
        entry = json.loads(line)
        test.assertEqual(entry["seq"], number)
        test.assertEqual(entry["prev"], before, "line %d" % number)
        before = hashlib.sha256(line.encode()).hexdigest()


class Kills(unittest.TestCase):
    longMessage = True

    def setUp(self):
        self.there = Deployment()
        self.addCleanup(self.there.close)
        self.proxy = Proxy(os.path.join(self.there.folder, "proxy.sock"), self.there.redis.socket)
        self.addCleanup(self.proxy.close)
        self.start_engine()
        self.there.alice.run("group", "create", "integrators", "alice")

    def start_engine(self):
        self.engine = self.there.engine("engine-1", self.proxy.address)
        self.engine.wait_ready()

    def kill_engine(self):
        self.engine.kill()

    def kill_redis(self):
        self.there.redis.kill()

    def active_credential(self, client_id):
        self.there.alice.create(client_id)
        _, secret = self.there.alice.receive()
        wait_for("the first secret", lambda: self.engine.verify(client_id, secret) == "current")
        return secret

    def rotate_with_a_strike(self, client_id, step, side, strike, recover):
        """One rotation, struck at `step`. The number of steps it took; the expected end is checked."""
        old = self.active_credential(client_id)
        prober = Prober(lambda: self.engine, client_id, old)
        self.proxy.arm(step, side, strike)
        rotating = self.there.alice.start("--answer-timeout", "50s", "rotate", client_id, "--grace", "1h", "--no-follow")
        receiving = self.there.alice.start("--answer-timeout", "50s", "inbox", "--once", "--out", self.there.alice.secrets,
                                           "--timeout", "50s")
        before = set(self.there.alice.received())
        steps = self.watch_over((rotating, receiving), recover)
        with self.subTest(step=step, side=side, at=self.proxy.names[step - 1] if step <= len(self.proxy.names) else "end"):
            self.assertEqual(rotating.returncode, 0, self.outcome(rotating))
            self.assertEqual(receiving.returncode, 0, self.outcome(receiving))
            new = [path for path in self.there.alice.received() if path not in before]
            self.assertEqual(len(new), 1)
            with open(new[0], "rb") as text:
                self.check_end(client_id, old, text.read().strip())
            verdicts = prober.stop()
            self.assertLessEqual(set(verdicts), {"current", "grace", "-UNAVAILABLE"}, verdicts)
            self.assertGreater(verdicts["current"], 0)
        prober.stop()
        return steps

    def watch_over(self, commands, recover):
        """Until both commands have ended; the number of steps. Whoever was struck is back when this returns, also when the
        strike came at the very last step."""
        recovered = False

        def ended():
            nonlocal recovered
            if self.proxy.struck.is_set() and not recovered:
                recovered = True
                recover()
            return all(command.poll() is not None for command in commands)
        try:
            wait_for("the rotation to end", ended, 60)
        except Impatient:
            for command in commands:
                command.kill()
        steps = self.proxy.disarm()
        ended()
        return steps

    @staticmethod
    def outcome(command):
        out, err = command.communicate()
        return (out + err).decode()

    def check_end(self, client_id, old, new):
        wait_for("the new secret to be current", lambda: self.engine.verify(client_id, new) == "current")
        wait_for("the old secret to be in grace", lambda: self.engine.verify(client_id, old) == "grace")
        status = self.there.alice.status(client_id)
        credential = status["result"]
        states = collections.Counter(version["state"] for version in credential["versions"])
        self.assertEqual(states, {"current": 1, "grace": 1})
        self.assertEqual(credential["rotation"]["state"], "promoted")
        self.check_trail(client_id, credential["rotation"]["rotation_id"])

    def check_trail(self, client_id, rotation_id):
        expected = {"rotation.prepared": 1, "version.pending": 1, "rotation.notified": 1, "rotation.acknowledged": 1,
                    "version.grace": 1, "version.current": 1, "rotation.promoted": 1}

        def events():
            return collections.Counter(
                entry["event"]["type"] for entry in self.engine.audit()
                if entry["event"].get("subject") == client_id and entry["event"].get("rotation_id") == rotation_id)
        try:
            wait_for("the trail", lambda: events() == expected, 15)
        except Impatient:
            self.assertEqual(events(), expected)

    def sweep(self, name, strike, recover):
        """Strikes at step 1, 2, 3 ... until a rotation has fewer steps than that."""
        for side in (BEFORE_COMMAND, BEFORE_ANSWER):
            for step in range(1, STEPS_MAX, EVERY):
                steps = self.rotate_with_a_strike("%s-%s-%d" % (name, side.split()[-1], step), step, side, strike, recover)
                print("%s struck at step %d %s" % (name, step, side), file=sys.stderr, flush=True)
                if steps < step:
                    break
            self.assertGreater(step, 5, "a rotation has more steps than that; the proxy sees none of them")
        with open(os.path.join(self.engine.data, "audit.jsonl"), encoding="utf-8") as lines:
            trail_is_whole(self, lines.read().splitlines())

    def test_engine(self):
        self.sweep("engine", self.kill_engine, self.start_engine)

    def test_redis(self):
        self.sweep("redis", self.kill_redis, lambda: self.there.redis.start())

    def test_connection(self):
        """An answer that is lost while both sides live on: nobody restarts, so nobody looks at everything again."""
        self.sweep("connection", lambda: None, lambda: None)


if __name__ == "__main__":
    unittest.main(verbosity=2)
