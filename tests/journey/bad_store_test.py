"""Somebody who may write all of Redis does: damaged records, old ones put back, holes, junk, other types, whole partitions put
back in time; while an engine runs and before it starts. Nothing that is not genuine is ever acted on, a running engine goes
on verifying from what it knows, others are served on, a line says what is wrong, and no secret stands in any file."""

import collections
import unittest

from deployment import Deployment, Gateway, Refused, wait_for
from store import Store, client_in_another_partition, client_in_the_same_partition, partition_of
from undisturbed import Undisturbed

TAG = partition_of("acme")
NEIGHBOUR = client_in_the_same_partition("acme")  # stands beside it, under the same head
OTHER = client_in_another_partition("acme")  # is rotated all the same
BYSTANDER = client_in_another_partition("acme", "bystander")  # must notice nothing


def flipped(value, at):
    return value[:at] + bytes([value[at] ^ 1]) + value[at + 1:]


class BadStore(Undisturbed):
    def setUp(self):
        super().setUp()
        # No interval: the tests rotate one credential as often as they like.
        self.there = Deployment(rules='bootstrap = true\n[class.default]\nminimum_interval = "0"\n')
        self.addCleanup(self.there.close)
        self.engine = self.there.engine().wait_ready()
        self.alice = self.there.alice
        self.redis = self.there.redis.client()
        self.store = Store(self.redis)
        self.alice.run("group", "create", "integrators", "alice")
        self.secrets = {}
        for client_id in ("acme", NEIGHBOUR, OTHER, BYSTANDER):
            self.alice.create(client_id)
            self.take_secret(client_id)
        self.quiet()
        self.old = self.store.partition(TAG)
        self.rotate("acme")
        self.good = self.store.partition(TAG)
        self.watch(self.there, self.engine, BYSTANDER, self.secrets[BYSTANDER])
        # Tests damage the one partition and rotate in another; whatever else is stored stays as it is.
        self.asked_for("credential:acme", "credential:" + NEIGHBOUR, "credential:" + OTHER, "stream:integrators")

    # ---- what the tests do to credentials ----

    def take_secret(self, client_id):
        _, secret = self.alice.receive()
        wait_for("the secret of " + client_id, lambda: self.engine.verify(client_id, secret) == "current")
        self.secrets[client_id] = secret

    def rotate(self, client_id):
        self.alice.run("rotate", client_id, "--grace", "0s", "--no-follow")
        self.take_secret(client_id)
        self.quiet()

    def quiet(self):
        """Every notice is out and every event is on disk: nothing of the engine's own is under way."""
        def is_quiet():
            waiting = [key for key in self.redis.keys("shearline:*:outbox") if self.redis.type(key) == b"stream" and self.redis.xlen(key)]
            return not waiting and self.store.state() == state
        state = None
        while not (state and is_quiet()):
            wait_for("an empty outbox", lambda: not any(
                self.redis.xlen(key) for key in self.redis.keys("shearline:*:outbox") if self.redis.type(key) == b"stream"))
            state = self.store.state()

    def record(self, client_id="acme", copies=None):
        """The stored bytes, now or in copies."""
        if copies is None:
            return self.redis.hget(self.key("records"), "credential:" + client_id)
        self.redis.restore("scratch", 0, copies[self.key("records")], replace=True)
        value = self.redis.hget("scratch", "credential:" + client_id)
        self.redis.delete("scratch")
        return value

    def put_record(self, value, client_id="acme"):
        self.redis.hset(self.key("records"), "credential:" + client_id, value)

    @staticmethod
    def key(name):
        return Store.key(TAG, name)

    def newest_change(self):
        return int(self.redis.xinfo_stream(self.key("changes"))["last-generated-id"].split(b"-")[0])

    # ---- the attacks: (what, strike, the line that tells it) ----

    def attacks_on_records(self):
        good, old, neighbour = self.record(), self.record(copies=self.old), self.record(NEIGHBOUR)
        yield "an empty record", lambda: self.put_record(b""), "record_refused"
        yield "a record cut to its revision", lambda: self.put_record(good[:8]), "record_refused"
        yield "a record cut by its last byte", lambda: self.put_record(good[:-1]), "record_refused"
        yield "a record with something behind it", lambda: self.put_record(good + b"\0"), "record_refused"
        yield "a record with a wrong MAC", lambda: self.put_record(flipped(good, 20)), "record_refused"
        yield "a record of another layout", lambda: self.put_record(flipped(good, 43)), "record_refused"
        yield "a record with a higher revision", lambda: self.put_record(flipped(good, 0)), "record_refused"
        yield "a record of another credential", lambda: self.put_record(neighbour), "record_refused"
        yield "an old record", lambda: self.put_record(old), "record_old"
        yield "a record taken away", lambda: self.redis.hdel(self.key("records"), "credential:acme"), "record_lost"

    def attacks_on_heads(self):
        head = self.redis.get(self.key("head"))
        other = self.redis.get(Store.key(partition_of(OTHER), "head"))
        old = {self.key("head"): self.old[self.key("head")]}
        yield "an old head", lambda: self.store.put_back(old), "store_broken"
        yield "a head cut short", lambda: self.redis.set(self.key("head"), head[:-1]), "store_broken"
        yield "a head of another partition", lambda: self.redis.set(self.key("head"), other), "store_broken"
        yield "a head taken away", lambda: self.redis.delete(self.key("head")), "store_broken"

    def attacks_on_streams(self):
        changes, outbox = self.key("changes"), self.key("outbox")
        forged = {"field": "credential:acme", "value": self.record(copies=self.old)}
        yield "an old record as a change", lambda: self.redis.xadd(changes, forged, "%d-0" % (self.newest_change() + 1)), "record_old"
        yield "junk as a change", lambda: self.redis.xadd(changes, {"a": "b"}, "%d-0" % (self.newest_change() + 1)), "store_broken"
        yield "changes with a hole ahead", lambda: self.redis.xadd(changes, forged), "store_not_followed"
        yield "changes taken away", lambda: self.redis.delete(changes), "store_went_backwards"
        yield "junk ahead in the outbox", lambda: self.redis.xadd(outbox, {"event": "junk"}), "store_broken"

    def attacks_on_types(self):
        def becomes_a_set(name):
            def strike():
                self.redis.delete(self.key(name))
                self.redis.sadd(self.key(name), "junk")
            return strike
        for name in ("records", "head", "changes", "outbox", "due"):
            yield "a set in place of the " + name, becomes_a_set(name), "store_broken"

    # ---- while an engine runs ----

    def strike_while_running(self, what, strike, line):
        """A line tells it, verification goes on, the credential is refused with nothing written, others are served on; and once
        the store is as it was, so is the engine."""
        with self.subTest(what):
            gateways = [Gateway(self.engine, client_id, self.secrets[client_id]) for client_id in ("acme", NEIGHBOUR)]
            told = self.engine.said().count(line)
            strike()
            struck = self.store.partition(TAG)
            with self.assertRaises(Refused) as refused:
                self.alice.run("rotate", "acme", "--grace", "0s", "--no-follow")
            self.assertRegex(refused.exception.out, '"code": "(unavailable|internal_error)"')
            wait_for("a line: " + line, lambda: self.engine.said().count(line) > told)
            self.alice.run("rotate", OTHER, "--grace", "0s", "--no-follow")
            self.take_secret(OTHER)
            self.assertEqual(self.store.partition(TAG), struck, "nothing is written over what is not understood")
            for gateway in gateways:
                gateway.check_served(self, "current")
            self.store.put_back(self.good)
            wait_for("the partition to be well again", self.rotates)
            self.quiet()
            self.good = self.store.partition(TAG)

    def rotates(self):
        try:
            self.alice.run("rotate", "acme", "--grace", "0s", "--no-follow")
        except Refused:
            return False
        self.take_secret("acme")
        return True

    def test_records_while_running(self):
        for attack in self.attacks_on_records():
            self.strike_while_running(*attack)

    def test_heads_while_running(self):
        for attack in self.attacks_on_heads():
            self.strike_while_running(*attack)

    def test_streams_while_running(self):
        for attack in self.attacks_on_streams():
            self.strike_while_running(*attack)

    def test_types_while_running(self):
        for attack in self.attacks_on_types():
            self.strike_while_running(*attack)

    def test_a_ruined_record_keeps_its_neighbour_from_nothing(self):
        self.put_record(flipped(self.record(), 20))
        self.rotate(NEIGHBOUR)
        self.assertEqual(self.engine.verify("acme", self.secrets["acme"]), "current")

    def test_holes_behind_the_reader_are_nothing(self):
        for newest in (False, True):
            entries = self.redis.xrange(self.key("changes"))
            self.redis.xdel(self.key("changes"), entries[-1 if newest else 0][0])
            self.rotate("acme")
            self.rotate(NEIGHBOUR)

    def becomes_a_set(self, key):
        self.redis.delete(key)
        self.redis.sadd(key, "junk")

    def test_a_lease_of_another_type(self):
        lease = Store.key("{sys}", "lease")
        gateway = Gateway(self.engine, "acme", self.secrets["acme"])
        self.becomes_a_set(lease)
        wait_for("a line", lambda: "lease_unreadable" in self.engine.said() and "lease_lost" in self.engine.said())
        with self.assertRaises(Refused) as refused:
            self.alice.run("--answer-timeout", "2s", "rotate", "acme", "--no-follow")
        self.assertEqual(refused.exception.status, 3)
        gateway.check_served(self, "current")
        self.redis.delete(lease)
        wait_for("the lease", lambda: self.engine.said().count("lease_gained") >= 2)
        self.rotate("acme")
        self.assertEqual(self.engine.said().count("lease_unreadable"), 1, "said once")

    def test_a_fence_of_another_type(self):
        gateway = Gateway(self.engine, "acme", self.secrets["acme"])
        self.becomes_a_set(self.key("fence"))
        with self.assertRaises(Refused) as refused:
            self.alice.run("rotate", "acme", "--no-follow")
        self.assertIn('"code": "internal_error"', refused.exception.out)
        wait_for("a line", lambda: "store_broken" in self.engine.said())
        gateway.check_served(self, "current")
        self.redis.delete(self.key("fence"))
        wait_for("the partition to be well again", self.rotates)

    def test_a_group_stream_of_another_type(self):
        stream = "shearline:{g:integrators}:stream"
        gateway = Gateway(self.engine, "acme", self.secrets["acme"])
        good = self.store.copy(stream)
        self.becomes_a_set(stream)
        self.alice.run("rotate", "acme", "--grace", "1h", "--no-follow")
        wait_for("a line", lambda: "envelope_not_published" in self.engine.said())
        gateway.check_served(self, "current")
        self.store.put_back(good)
        self.take_secret("acme")

    def test_junk_in_the_outbox_does_not_hold_up_the_trail(self):
        for number, junk in enumerate(({"event": "junk"}, {"a": "b"}, {"event": ""}, {"event": "x" * 100000}), 1):
            self.redis.xadd(self.key("outbox"), junk, "0-%d" % number) if number > 1 else self.fresh_outbox(junk)
        promoted = self.promotions()["acme"]
        self.alice.run("rotate", "acme", "--grace", "0s", "--no-follow")
        self.take_secret("acme")
        wait_for("the trail", lambda: self.promotions()["acme"] == promoted + 1)
        self.assertIn("event_refused", self.engine.said())

    def test_junk_among_the_deadlines_holds_up_no_timer(self):
        junk = {"credential:nobody-%d" % number: 0 for number in range(200)}
        self.redis.zadd(self.key("due"), {**junk, "group:integrators": 0, "": 0, "\0": 0, "credential:" + OTHER: 0})
        self.alice.run("rotate", "acme", "--grace", "1s", "--no-follow")
        self.take_secret("acme")

        def states():
            return collections.Counter(version["state"] for version in self.alice.status("acme")["result"]["versions"])
        wait_for("the old version to be retired", lambda: states()["grace"] == 0 and states()["current"] == 1)
        self.rotate(NEIGHBOUR)
        lines = self.engine.said().count("due_record_unreadable")
        self.assertTrue(0 < lines <= len(junk) + 1, "each is said once")

    def fresh_outbox(self, junk):
        self.redis.delete(self.key("outbox"))
        self.redis.xadd(self.key("outbox"), junk, "0-1")

    def promotions(self):
        return collections.Counter(entry["event"]["subject"] for entry in self.engine.audit()
                                   if entry["event"]["type"] == "rotation.promoted")

    def test_a_partition_put_back_in_time_while_running_is_mended(self):
        promoted = self.promotions()
        gateway = Gateway(self.engine, "acme", self.secrets["acme"])
        self.store.put_back(self.old)
        wait_for("a line", lambda: "store_went_backwards" in self.engine.said())
        wait_for("the lost record to be put back", lambda: self.record() and self.record()[:8] >= self.record(copies=self.good)[:8])
        gateway.check_served(self, "current")
        self.rotate("acme")
        self.rotate(NEIGHBOUR)
        promoted.update(("acme", NEIGHBOUR))
        self.assertEqual(self.promotions(), promoted, "no event is lost or doubled")

    # ---- before an engine starts ----

    def strike_before_start(self, what, strike, line):
        """The engine says why it is not ready, answers that it cannot decide about that partition's clients and decides about
        all others, and is ready once the store is as it was."""
        with self.subTest(what):
            self.unwatch()
            self.assertEqual(self.engine.stop(), 0)
            good = self.store.partition(TAG)
            strike()
            told = self.engine.said().count(line)
            self.engine = self.there.engine()
            wait_for("a line: " + line, lambda: self.engine.said().count(line) > told)
            connection = self.listening(self.engine.address)
            wait_for("the others to be served", lambda: connection.call("VERIFY", OTHER, self.secrets[OTHER]) == "current")
            self.watch(self.there, self.engine, BYSTANDER, self.secrets[BYSTANDER])
            self.assertEqual(connection.call("VERIFY", "acme", self.secrets["acme"]), "-UNAVAILABLE partition withheld")
            self.assertEqual(connection.call("MVERIFY", NEIGHBOUR, "wrong-secret-0001", OTHER, "wrong-secret-0001"), b"ur")
            self.assertFalse(self.engine.ready())
            wait_for("INFO to say why", lambda: TAG in self.engine.info()["shearline_not_ready"])
            self.store.put_back(good)
            self.engine.wait_ready()
            for client_id, secret in self.secrets.items():
                self.assertEqual(self.engine.verify(client_id, secret), "current")

    def test_damage_before_the_start(self):
        refused = "partition_refused"
        for what, strike, _ in [*self.attacks_on_records(), *self.attacks_on_heads()]:
            self.strike_before_start(what, strike, refused)
        for what, strike, line in self.attacks_on_types():
            if what.endswith(("records", "head", "changes")):  # what is read to load; the others are noticed when they are needed
                self.strike_before_start(what, strike, line)

    def test_commands_wait_for_a_damaged_partition_and_for_no_other(self):
        self.unwatch()
        self.assertEqual(self.engine.stop(), 0)
        self.put_record(self.record(copies=self.old))  # authentic, and older than what its head was sealed over
        gained = self.engine.said().count("lease_gained")
        self.engine = self.there.engine()
        wait_for("the lease", lambda: self.engine.said().count("lease_gained") > gained)
        self.watch(self.there, self.engine, BYSTANDER, self.secrets[BYSTANDER])
        struck = self.store.partition(TAG)
        with self.assertRaises(Refused) as refused:
            self.alice.run("rotate", "acme", "--grace", "0s", "--no-follow")
        self.assertIn('"code": "unavailable"', refused.exception.out)
        self.assertIn("could not be loaded", refused.exception.out)
        self.rotate(OTHER)
        self.assertEqual(self.store.partition(TAG), struck, "nothing is written to what is not proven")
        self.store.put_back(self.good)
        self.engine.wait_ready()
        self.rotate("acme")

    def test_a_partition_put_back_in_time_before_the_start(self):
        self.strike_before_start("a partition put back in time", lambda: self.store.put_back(self.old), "put back in time")
        self.strike_before_start("changes taken away", lambda: self.redis.delete(self.key("changes")), "partition_refused")
        self.strike_before_start("a partition taken away", lambda: self.store.put_back(dict.fromkeys(self.good)), "put back in time")


if __name__ == "__main__":
    unittest.main(verbosity=2)
