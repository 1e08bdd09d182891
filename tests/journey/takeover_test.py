"""Two engines on one Redis: one holds the control lease, the other follows, verifies, and takes over in the middle of a
rotation; a holder that was paused and wakes up changes nothing (model.md invariant 9)."""

import os
import signal
import unittest

from deployment import Deployment, Gateway, wait_for
from proxy import BEFORE_COMMAND, HELD, Proxy


def puts_a_record(command):
    return command[0] == b"EVALSHA" and any(a.endswith(b":records") for a in command)


class Takeover(unittest.TestCase):
    def setUp(self):
        self.there = Deployment()
        self.addCleanup(self.there.close)
        self.proxy = Proxy(os.path.join(self.there.folder, "proxy.sock"), self.there.redis.socket)
        self.addCleanup(self.proxy.close)
        self.holder = self.there.engine("holder", self.proxy.address).wait_ready()
        wait_for("the lease", lambda: "lease_gained" in self.holder.said())
        self.other = self.there.engine("other").wait_ready()
        self.alice = self.there.alice
        self.alice.run("group", "create", "integrators", "alice")
        self.alice.create("acme")
        _, self.old = self.alice.receive()
        for engine in (self.holder, self.other):
            wait_for("the first secret on " + engine.name, lambda: engine.verify("acme", self.old) == "current")

    def rotate_while(self, step, side, strike):
        """A rotation whose holder is struck at that step; the new secret."""
        gateway = Gateway(self.other, "acme", self.old)
        self.proxy.arm(step, side, strike)
        rotating = self.alice.start("--answer-timeout", "50s", "rotate", "acme", "--grace", "1h", "--no-follow")
        _, new = self.alice.receive("--group", "integrators")
        out, err = rotating.communicate(timeout=60)
        self.assertEqual(rotating.returncode, 0, (out + err).decode())
        self.assertTrue(self.proxy.struck.is_set())
        self.assertIn("lease_gained", self.other.said())
        wait_for("the new secret on the other", lambda: self.other.verify("acme", new) == "current")
        self.assertEqual(self.other.verify("acme", self.old), "grace")
        gateway.stop()
        self.assertLessEqual(set(gateway.verdicts), {"current", "grace"})
        self.assertLess(gateway.longest_silence, 5, "verification on the other engine never stops")
        return new

    def events(self):
        """Every event of both trails, by identity: what the dead holder had on disk may stand in both (ADR 1)."""
        return {entry["id"]: entry["event"] for engine in (self.holder, self.other) for entry in engine.audit()}

    def check_promoted_once(self):
        def promoted():
            return [e for e in self.events().values() if e["type"] == "rotation.promoted" and not e.get("creation")]
        wait_for("both promotions", lambda: len(promoted()) >= 2)
        self.assertEqual(len(promoted()), 2)

    def test_the_other_finishes_the_rotation_of_a_killed_holder(self):
        # After its first put: the rotation is prepared, the envelope is in the record and not in the stream yet.
        self.rotate_while(5, BEFORE_COMMAND, self.holder.kill)
        self.check_promoted_once()

    def test_a_holder_that_was_paused_wakes_up_and_changes_nothing(self):
        # Its compare-and-put is on the way when it is paused, and reaches Redis when the other has long finished.
        new = self.rotate_while(puts_a_record, HELD, lambda: self.holder.signal(signal.SIGSTOP))
        before = self.there.redis.client().dump("shearline:{sys}:fence")
        records = self.snapshot()
        self.proxy.release()
        self.holder.signal(signal.SIGCONT)
        wait_for("the woken holder to notice", lambda: "lease_lost" in self.holder.said())
        wait_for("the woken holder to follow", lambda: self.holder.verify("acme", new) == "current")
        self.assertEqual(self.holder.verify("acme", self.old), "grace")
        self.assertEqual(self.snapshot(), records)
        self.assertEqual(self.there.redis.client().dump("shearline:{sys}:fence"), before)
        self.assertTrue(self.holder.running())
        self.check_promoted_once()

    def snapshot(self):
        client = self.there.redis.client()
        keys = [key for key in client.keys("shearline:*") if key.endswith((b":records", b":head", b":stream"))]
        return {key: client.dump(key) for key in keys}

    def test_a_holder_that_stops_in_good_order_hands_over_at_once(self):
        self.assertEqual(self.holder.stop(), 0)
        wait_for("the lease", lambda: "lease_gained" in self.other.said())
        self.alice.run("rotate", "acme", "--grace", "1h", "--no-follow")
        _, new = self.alice.receive()
        wait_for("the new secret", lambda: self.other.verify("acme", new) == "current")


if __name__ == "__main__":
    unittest.main(verbosity=2)
