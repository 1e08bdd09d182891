"""Two engines on one Redis: one holds the control lease, the other follows, verifies, and takes over in the middle of a
rotation; a holder that was paused and wakes up changes nothing (model.md invariant 9)."""

import json
import os
import signal
import unittest

from deployment import Deployment, Gateway, wait_for
from proxy import BEFORE_COMMAND, HELD, Proxy


def puts_a_record(command):
    return command[0] == b"EVALSHA" and any(a.endswith(b":records") for a in command)


def acknowledges_events(command):
    keys = [argument for argument in command if argument.startswith(b"shearline:")]
    return command[0] == b"EVALSHA" and any(key.endswith(b":outbox") for key in keys) and not puts_a_record(command)


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

    def trail(self):
        """Every event of the deployment, as `shearline audit` merges it from both nodes' files (ADR 1)."""
        files = [os.path.join(engine.data, "audit.jsonl") for engine in (self.holder, self.other)]
        lines = [json.loads(line) for line in self.there.shearline("audit", "--json", *files).splitlines()]
        return [line for line in lines if "event" in line]

    def events(self):
        return {entry["id"]: entry["event"] for entry in self.trail()}

    def check_promoted_once(self):
        def promoted():
            return [e for e in self.events().values() if e["type"] == "rotation.promoted" and not e.get("creation")]
        wait_for("both promotions", lambda: len(promoted()) >= 2)
        self.assertEqual(len(promoted()), 2)

    def test_the_other_finishes_the_rotation_of_a_killed_holder(self):
        # After its first put: the rotation is prepared, the envelope is in the record and not in the stream yet.
        self.rotate_while(5, BEFORE_COMMAND, self.holder.kill)
        self.check_promoted_once()

    def test_events_that_a_killed_holder_had_on_its_disk_are_in_the_trail_once(self):
        # Synced to the holder's disk, not acknowledged in Redis: the other cannot know, and writes them as well.
        self.rotate_while(acknowledges_events, BEFORE_COMMAND, self.holder.kill)
        self.check_promoted_once()
        wait_for("the last acknowledgement", lambda: not self.waiting_events())
        on_disk = [{entry["id"] for entry in engine.audit()} for engine in (self.holder, self.other)]
        self.assertTrue(on_disk[0] & on_disk[1], "the strike came at another step")
        for engine, ids in zip((self.holder, self.other), on_disk):
            self.assertEqual(len(engine.audit()), len(ids), "a file holds each event once")
        trail = self.trail()
        self.assertEqual(len({entry["id"] for entry in trail}), len(trail))
        self.assertEqual({entry["id"] for entry in trail}, on_disk[0] | on_disk[1])
        in_both = [entry for entry in trail if len(entry["stands_in"]) == 2]
        self.assertEqual({entry["id"] for entry in in_both}, on_disk[0] & on_disk[1])

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

    def waiting_events(self):
        client = self.there.redis.client()
        return sum(client.xlen(key) for key in client.keys("shearline:*:outbox"))

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
