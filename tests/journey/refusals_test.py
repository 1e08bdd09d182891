"""Refused commands go on record (model.md invariant 5, ADR 12): the first of a kind before its sender hears of it, so that no
crash hides it; repetitions counted, and where nobody is killed the counts are what was sent.
"""

import collections
import os
import threading
import unittest

import jws
from deployment import Deployment, wait_for
from proxy import BEFORE_ANSWER, BEFORE_COMMAND, Proxy
from steps import keys_of

RULES = "bootstrap = true\ncommands_per_minute_per_admin = 100000\n"
ROUND_S = 30  # more than one round of ten seconds, on a busy machine


def puts_refusals(command):
    return command[0].upper() in (b"EVAL", b"EVALSHA") and b"shearline:{sys}:records" in keys_of(command)


class Refusals(unittest.TestCase):
    def setUp(self):
        self.there = Deployment(rules=RULES)
        self.addCleanup(self.there.close)
        self.proxy = Proxy(os.path.join(self.there.folder, "proxy.sock"), self.there.redis.socket)
        self.addCleanup(self.proxy.close)
        self.start_engine()
        self.redis = self.there.redis.client()
        self.alice = self.there.alice
        self.there.alice.run("group", "create", "integrators", "alice")
        self.wait_until_on_disk()

    def start_engine(self):
        self.engine = self.there.engine("engine-1", self.proxy.address).wait_ready()
        wait_for("the lease", lambda: "lease_gained" in self.engine.said())

    def wait_until_on_disk(self):
        wait_for("every event to be on disk", lambda: not self.redis.xlen("shearline:{sys}:outbox"))

    def refuse(self):
        """A command that is refused, whoever is killed in the middle of it: it is sent until it is answered."""
        status, lines, said = self.alice.hear("--answer-timeout", "50s", "status", "nobody")
        self.assertNotEqual(status, 0)
        self.assertIn("not_found", said + repr(lines))

    def on_record(self):
        """How often each kind stands in the trail."""
        counts = collections.Counter()
        for entry in self.engine.audit():
            if entry["event"]["type"] == "command.refused":
                counts.update({kind: int(count) for kind, count in entry["event"]["detail"].items()})
        return counts

    def test_who_was_told_that_it_is_refused_is_on_record_though_the_engine_is_killed_at_once(self):
        self.refuse()
        self.engine.kill()
        self.start_engine()
        self.wait_until_on_disk()
        self.assertEqual(self.on_record(), {"alice/not_found": 1})

    def strike_the_put(self, side):
        """The refusal is on record, and not more often than it was sent; how often it was sent."""
        self.proxy.forget()
        self.proxy.arm(puts_refusals, side, self.engine.kill)
        asking = threading.Thread(target=self.refuse)
        asking.start()
        wait_for("the strike", self.proxy.struck.is_set)
        self.start_engine()
        asking.join()
        self.wait_until_on_disk()

    def test_a_kill_before_it_is_on_record_leaves_it_unanswered_and_its_repetition_is_on_record(self):
        self.strike_the_put(BEFORE_COMMAND)
        self.assertEqual(self.on_record(), {"alice/not_found": 1})

    def test_a_kill_right_after_it_is_on_record_neither_loses_nor_doubles_it(self):
        # Unanswered, it was sent once more, which is another refusal.
        self.strike_the_put(BEFORE_ANSWER)
        self.assertEqual(self.on_record(), {"alice/not_found": 2})

    def test_where_nobody_is_killed_the_counts_are_what_was_sent(self):
        mallory = jws.Signer(self.there.folder)
        claims = [jws.claims("status", credential="acme") for _ in range(20)]
        for one in claims:
            self.redis.publish("shearline:commands", mallory.token(one, "mallory"))
        for _ in range(300):
            self.redis.publish("shearline:commands", "no JWS at all")
        for _ in range(4):
            self.refuse()
        sent = {"stranger/unauthorized": 20, "stranger/invalid": 300, "alice/not_found": 4}
        wait_for("the end of the round", lambda: self.on_record().total() >= sum(sent.values()), ROUND_S)
        self.wait_until_on_disk()
        self.assertEqual(self.on_record(), sent)
        events = sum(entry["event"]["type"] == "command.refused" for entry in self.engine.audit())
        self.assertLessEqual(events, 7, "a flood of refusals is no flood of events")  # three kinds, three rounds at most


if __name__ == "__main__":
    unittest.main(verbosity=2)
