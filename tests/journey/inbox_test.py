"""An admin who waits for secrets: in no group yet, at a stream that somebody ruins, tears down or fills with the future, while
the engine is away. The inbox goes on waiting, says what it sees, takes every genuine secret once, and disturbs nobody else."""

import json
import signal
import unittest

from deployment import PATIENCE, Deployment, wait_for
from undisturbed import Undisturbed

STREAM = "shearline:{g:integrators}:stream"
LAST_ID = "18446744073709551615-18446744073709551615"


def ended(waiting):
    """Of a command that was started: its status, the JSON lines it printed, and what it said beside them."""
    out, said = waiting.communicate(timeout=2 * PATIENCE)
    return waiting.returncode, [json.loads(line) for line in out.decode().splitlines()], said.decode()


class NoGroup(unittest.TestCase):
    def setUp(self):
        self.there = Deployment()
        self.addCleanup(self.there.close)
        self.there.engine().wait_ready()
        self.alice = self.there.alice

    def test_who_is_in_no_group_waits_to_be_in_one(self):
        waiting = self.alice.start("inbox", "--once", "--out", self.alice.secrets, "--timeout", "%ds" % PATIENCE)
        self.assertIn("alice is in no group yet", waiting.stderr.readline().decode())
        self.alice.run("group", "create", "integrators", "alice")
        rotation = self.alice.create("acme")[-1]["rotation"]["rotation_id"]
        status, lines, said = ended(waiting)
        self.assertEqual((status, lines[-1]["rotation_id"]), (0, rotation), said)
        self.assertTrue(lines[-1]["acknowledged"])
        self.assertEqual(len(self.alice.received()), 1)

    def test_who_is_in_no_group_to_the_end_is_told_so(self):
        status, lines, said = self.alice.hear("inbox", "--once", "--timeout", "0s")
        self.assertEqual((status, lines[-1]["code"]), (6, "not_found"))
        self.assertIn("alice is in no group yet; `shearline group create` makes one", lines[-1]["detail"])
        self.assertEqual(said.count("in no group"), 1, said)


class Inbox(Undisturbed):
    def setUp(self):
        super().setUp()
        self.there = Deployment()
        self.addCleanup(self.there.close)
        self.engine = self.there.engine().wait_ready()
        self.alice = self.there.alice
        self.redis = self.there.redis.client()
        self.alice.run("group", "create", "integrators", "alice")
        self.alice.create("acme")
        _, self.secret = self.alice.receive()
        wait_for("the secret", lambda: self.engine.verify("acme", self.secret) == "current")
        # Rotated or not, this secret is accepted all the while.
        self.gateway = self.watch(self.there, self.engine, "acme", self.secret, "current", "grace")
        self.asked_for("stream:integrators")

    def hear_inbox(self, timeout):
        """What it told, once it has ended."""
        status, lines, said = self.alice.hear("inbox", "--once", "--out", self.alice.secrets, "--timeout", timeout)
        self.heard.append(json.dumps(lines).encode() + said.encode())
        return status, lines, said

    def secret_files(self):
        """Under their own names: one that is being written has another until it is whole."""
        return [path for path in self.alice.received() if path.endswith(".secret")]

    def rotate(self):
        self.asked_for("credential:acme")
        return self.alice.run("rotate", "acme", "--grace", "1h", "--no-follow")[-1]["rotation"]["rotation_id"]

    # ---- the stream ----

    def test_an_entry_of_the_end_of_time_makes_nobody_deaf(self):
        """Behind it Redis takes no entry: the engine says so and goes on trying. Once the stream is repaired, its next entries
        stand before what the inbox has read, and are heard all the same."""
        self.redis.xadd(STREAM, {"envelope": "forged"}, id=LAST_ID)
        status, lines, _ = self.hear_inbox("0s")
        self.assertEqual(status, 3)
        self.assertEqual([line["entry"] for line in lines if line.get("event") == "refused"], [LAST_ID])
        rotation = self.rotate()
        wait_for("a line", lambda: "envelope_not_published" in self.engine.said())
        self.redis.delete(STREAM)
        status, lines, said = self.hear_inbox("%ds" % PATIENCE)
        self.assertEqual((status, lines[-1]["rotation_id"]), (0, rotation), said)
        self.assertIn("ends before what was read of it already (%s)" % LAST_ID, said)

    def test_a_waiting_inbox_notices_that_its_stream_went_backwards(self):
        kept = self.redis.dump(STREAM)
        self.redis.xadd(STREAM, {"envelope": "forged"}, id=LAST_ID)
        waiting = self.alice.start("inbox", "--once", "--out", self.alice.secrets, "--timeout", "%ds" % (2 * PATIENCE))
        self.assertIn(LAST_ID, waiting.stderr.readline().decode())  # refused, so that it is behind it
        self.redis.restore(STREAM, 0, kept, replace=True)
        rotation = self.rotate()
        status, lines, said = ended(waiting)
        self.assertEqual((status, lines[-1]["rotation_id"]), (0, rotation), said)
        self.assertEqual([line["rotation_id"] for line in lines if line.get("event") == "secret"], [rotation], "no old one again")

    def test_a_ruined_stream_keeps_no_other_group_from_its_secrets(self):
        self.asked_for("group:others", "credential:elsewhere", "stream:others")
        self.alice.run("group", "create", "others", "alice")
        self.redis.delete(STREAM)
        self.redis.sadd(STREAM, "junk")
        self.alice.create("elsewhere", "others")
        status, lines, said = self.hear_inbox("%ds" % PATIENCE)
        self.assertEqual((status, lines[-1]["client_id"]), (0, "elsewhere"), said)
        self.assertIn("the stream of integrators cannot be read", said)

    # ---- the others ----

    def test_interrupted_it_takes_the_secret_the_next_time(self):
        """The engine is stopped, so that the inbox holds the secret and waits for the answer to its acknowledgement."""
        rotation = self.rotate()
        wait_for("the envelope", lambda: self.redis.xlen(STREAM) >= 2)
        self.gateway.longest_silence_max = float("inf")
        self.engine.signal(signal.SIGSTOP)
        waiting = self.alice.start("inbox", "--once", "--group", "integrators", "--out", self.alice.secrets)
        wait_for("the secret's file", lambda: len(self.secret_files()) == 2)
        waiting.send_signal(signal.SIGINT)
        self.assertEqual(ended(waiting)[0], -signal.SIGINT)
        self.engine.signal(signal.SIGCONT)
        status, lines, said = self.hear_inbox("%ds" % PATIENCE)
        self.assertEqual((status, lines[-1]["rotation_id"]), (0, rotation), said)
        self.assertTrue(lines[-1]["acknowledged"], lines)
        self.assertEqual(len(self.secret_files()), 2, "the same file")


if __name__ == "__main__":
    unittest.main(verbosity=2)
