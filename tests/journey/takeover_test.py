"""Two engines on one Redis: one holds the control lease, the other follows, verifies, and takes over in the middle of a
rotation; a holder that was paused and wakes up changes nothing (model.md invariant 9)."""

import collections
import json
import os
import signal
import subprocess
import unittest

import records
from deployment import PATIENCE, Deployment, wait_for
from prober import Prober
from proxy import BEFORE_ANSWER, BEFORE_COMMAND, HELD, Proxy
from steps import keys_of
from store import Store, partition_of

TAG = partition_of("acme")


def writes_to(kind):
    """The first command of the rotation that writes there."""
    def is_it(command):
        keys = keys_of(command)
        # The main key of a compare-and-put is the records; it touches the outbox too.
        main = next((key for key in keys if key.endswith(b":records")), keys[0] if keys else b"")
        return command[0] in (b"EVALSHA", b"EVAL") and main.endswith(b":" + kind) and (TAG.encode() in main or b"{g:" in main)
    return is_it


# Where in a rotation its holder is struck, and what stands in the store at that moment.
BEFORE_IT_IS_PREPARED = ("before it is prepared", writes_to(b"records"), {None})
BEFORE_IT_IS_SENT = ("before it is sent", writes_to(b"stream"), {"prepared"})
BEFORE_EVENTS_ARE_DONE = ("before its events are acknowledged", writes_to(b"outbox"), {"prepared", "notified", "promoted"})


class TwoEngines(unittest.TestCase):
    lease = "1s"

    def setUp(self):
        self.there = Deployment(rules='bootstrap = true\n[class.default]\nminimum_interval = "0"\n', lease=self.lease)
        self.addCleanup(self.there.close)
        self.proxy = Proxy(os.path.join(self.there.folder, "proxy.sock"), self.there.redis.socket)
        self.addCleanup(self.proxy.close)
        self.redis = self.there.redis.client()
        self.store = Store(self.redis)
        self.holder = self.there.engine("holder", self.proxy.address).wait_ready()
        wait_for("the lease", lambda: "lease_gained" in self.holder.said())
        self.other = self.there.engine("other").wait_ready()
        self.alice = self.there.alice
        self.alice.run("group", "create", "integrators", "alice")
        self.alice.create("acme")
        _, self.old = self.alice.receive()
        for engine in (self.holder, self.other):
            wait_for("the first secret on " + engine.name, lambda: engine.verify("acme", self.old) == "current")
        self.wait_until_quiet()
        self.assertNotIn("lease_gained", self.other.said())

    def probe(self, engine, *allowed):
        """A gateway of this engine that checks the old secret without pause."""
        prober = Prober(lambda: engine.address)
        self.addCleanup(prober.stop)
        prober.watch("old", "acme", self.old, allowed)
        wait_for("the gateway to be served", lambda: prober.rounds > 0)
        return prober

    def check_served(self, prober, what):
        """It was served all the while and to the last, and heard only what it may."""
        rounds = prober.rounds
        wait_for("one more round of " + what, lambda: prober.rounds > rounds)
        heard = prober.watched["old"]
        self.assertIsNone(heard.fault(), what)
        self.assertEqual((prober.cut_off, prober.undecided), (0, 0), what)
        self.assertLess(prober.longest_silence_s, 5, what)

    def rotate_while(self, moment, side, strike):
        """A rotation whose holder is struck at that moment and that the other finishes; the new secret."""
        name, step, stored = moment
        served = self.probe(self.other, "current", "grace")
        seen = []

        def strike_and_look():
            strike()
            rotation = records.stored_credential(self.redis, TAG, "acme").get("ro")
            seen.append(rotation["s"] if rotation else None)
        self.proxy.arm(step, side, strike_and_look)
        rotating = self.alice.start("--answer-timeout", "50s", "rotate", "acme", "--grace", "1h", "--no-follow")
        _, new = self.alice.receive("--group", "integrators")
        out, err = rotating.communicate(timeout=60)
        self.assertEqual(rotating.returncode, 0, (out + err).decode())
        self.assertTrue(self.proxy.struck.is_set(), "nobody was struck")
        self.assertIn(seen[0], stored, "it was struck at another moment than " + name)
        self.assertIn("lease_gained", self.other.said())
        wait_for("the new secret on the other", lambda: self.other.verify("acme", new) == "current")
        self.assertEqual(self.other.verify("acme", self.old), "grace")
        self.wait_until_quiet()
        self.check_served(served, "the gateway of the other")
        return new

    def wait_until_quiet(self):
        wait_for("every event to be on disk", lambda: not any(
            self.redis.xlen(key) for key in self.redis.keys("shearline:*:outbox")))

    def check_what_is_stored(self, rotations):
        """Every state, step and event since the beginning (model.md invariants 3 to 5). What the dead holder had on disk may
        stand in both trails (ADR 1), as the same event."""
        self.wait_until_quiet()
        lines = {}
        for engine in (self.holder, self.other):
            with open(os.path.join(engine.data, "audit.jsonl"), encoding="utf-8") as text:
                for line in records.check_trail(text.read()):
                    place = (line["event"], line["partition"], line["counter"], line["index"], line["record"])
                    known = lines.setdefault(line["event"]["id"], (place, line))
                    self.assertEqual(known[0], place, "one event in two forms")
        trail = [line | {"seq": number} for number, (_, line) in enumerate(lines.values())]
        events = records.check_credential(records.history_of(self.redis, TAG), trail, int(TAG[2:4]), "acme")
        promoted = collections.Counter(event["type"] for event in events)["rotation.promoted"]
        self.assertEqual(promoted, rotations)
        return events


class Takeover(TwoEngines):
    def test_the_other_finishes_the_rotation_of_a_killed_holder(self):
        self.rotate_while(BEFORE_IT_IS_SENT, BEFORE_COMMAND, self.holder.kill)
        self.check_what_is_stored(rotations=2)
        self.check_history_knows_what_it_lacks()

    def test_the_other_finishes_it_when_the_holder_is_killed_before_it_hears_what_it_did(self):
        self.rotate_while(BEFORE_IT_IS_SENT, BEFORE_ANSWER, self.holder.kill)
        self.check_what_is_stored(rotations=2)

    def test_events_that_a_killed_holder_had_on_its_disk_are_in_the_trail_once(self):
        # Synced to the holder's disk, not acknowledged in Redis: the other cannot know, and writes them as well.
        self.rotate_while(BEFORE_EVENTS_ARE_DONE, BEFORE_COMMAND, self.holder.kill)
        self.check_what_is_stored(rotations=2)
        on_disk = [{entry["id"] for entry in engine.audit()} for engine in (self.holder, self.other)]
        self.assertTrue(on_disk[0] & on_disk[1], "the strike came at another step")
        trail = self.merged_trail()
        self.assertEqual(len({entry["id"] for entry in trail}), len(trail))
        self.assertEqual({entry["id"] for entry in trail}, on_disk[0] | on_disk[1])
        in_both = [entry for entry in trail if len(entry["stands_in"]) == 2]
        self.assertEqual({entry["id"] for entry in in_both}, on_disk[0] & on_disk[1])

    def check_history_knows_what_it_lacks(self):
        """The successor's trail begins where it took over: `history` tells what it has, and what only the files together do."""
        said = self.alice.run("history", "acme", "--limit", "100")[-1]["result"]
        self.assertEqual((said["node"], said["complete"]), ("other", False))
        self.assertIn("rotation.promoted", [event["type"] for event in said["events"]])
        about = {entry["id"] for entry in self.merged_trail() if entry["event"]["subject"] == "acme"}
        self.assertEqual(len(said["events"]) + said["events_elsewhere"], len(about))
        command, environment = self.alice.command("history", "acme")
        command.remove("--json")
        text = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=PATIENCE).stdout.decode()
        self.assertEqual(text.count("shearline audit FILE..."), 1, text)

    def merged_trail(self):
        """Every event of the deployment, as `shearline audit` merges it from both nodes' files (ADR 1)."""
        files = [os.path.join(engine.data, "audit.jsonl") for engine in (self.holder, self.other)]
        lines = [json.loads(line) for line in self.there.shearline("audit", "--json", *files).splitlines()]
        return [line for line in lines if "event" in line]

    def pause_and_wake(self, moment):
        """Its command is on the way when it is paused, and reaches Redis when the other has long finished."""
        own = self.probe(self.holder, "current")
        self.check_served(own, "the gateway of the holder, before it is paused")
        own.stop()
        new = self.rotate_while(moment, HELD, lambda: self.holder.signal(signal.SIGSTOP))
        state, fences = self.store.state(), self.fences()
        written = len(self.holder.audit())
        served = self.probe(self.other, "grace")
        self.proxy.release()
        wait_for("the late command to be answered", lambda: self.proxy.late_answers)
        self.assertIn(b"fenced", self.proxy.late_answers[0], "the late command was carried out")
        self.holder.signal(signal.SIGCONT)
        own = self.probe(self.holder, "current", "grace")
        wait_for("the woken holder to notice", lambda: "lease_lost" in self.holder.said())
        wait_for("the woken holder to follow", lambda: self.holder.verify("acme", new) == "current")
        self.assertEqual(self.holder.verify("acme", self.old), "grace")
        self.assertEqual(self.store.state(), state)
        self.assertEqual(self.fences(), fences)
        events = self.check_what_is_stored(rotations=2)
        self.check_served(own, "the gateway of the woken holder")
        self.check_served(served, "the gateway of the other")
        # What it had read from the outbox before it was paused it may still write down; the other has it as well.
        late = {entry["id"] for entry in self.holder.audit()[written:]}
        self.assertLessEqual(late, {entry["id"] for entry in self.other.audit()}, "the woken holder has events of its own")
        self.assertTrue(self.holder.running())
        self.old = new
        self.check_that_only_the_other_acts(events)

    def fences(self):
        return {key: self.redis.get(key) for key in self.redis.keys("shearline:*:fence")}

    def check_that_only_the_other_acts(self, before):
        """With both awake, one more rotation is all the other's; and once the other is gone, the woken one may act again."""
        answers = len(self.proxy.published)
        self.rotate("other")
        events = self.check_what_is_stored(rotations=3)
        self.assertEqual({event["node"] for event in events[len(before):]}, {"other"})
        self.assertEqual(len(self.proxy.published), answers, "the woken holder answered")
        self.other.kill()
        wait_for("the lease", lambda: self.holder.said().count("lease_gained") == 2)
        self.rotate("holder")
        newest = self.check_what_is_stored(rotations=4)[len(events):]
        self.assertEqual({event["node"] for event in newest}, {"holder"})

    def rotate(self, name):
        self.alice.run("rotate", "acme", "--grace", "0s", "--no-follow", "--emergency")
        _, self.old = self.alice.receive("--group", "integrators")
        engine = self.other if name == "other" else self.holder
        wait_for("the newest secret on the " + name, lambda: engine.verify("acme", self.old) == "current")

    def test_a_put_of_a_paused_holder_comes_too_late(self):
        self.pause_and_wake(BEFORE_IT_IS_PREPARED)

    def test_an_envelope_of_a_paused_holder_comes_too_late(self):
        self.pause_and_wake(BEFORE_IT_IS_SENT)

    def test_a_paused_holder_acknowledges_no_events_of_its_successor(self):
        self.pause_and_wake(BEFORE_EVENTS_ARE_DONE)


class HandingOver(TwoEngines):
    """With a lease that nobody would wait out."""

    lease = "60s"

    def test_a_holder_that_stops_in_good_order_hands_over_at_once(self):
        self.assertEqual(self.holder.stop(), 0)
        wait_for("the lease", lambda: "lease_gained" in self.other.said(), 30)
        self.alice.run("rotate", "acme", "--grace", "1h", "--no-follow")
        _, new = self.alice.receive()
        wait_for("the new secret", lambda: self.other.verify("acme", new) == "current")


if __name__ == "__main__":
    unittest.main(verbosity=2)
