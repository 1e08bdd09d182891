"""The checker of every test of bad input notices what it is there to notice: each of these tests does one bad thing and must fail
for that reason."""

import base64
import os
import unittest

import jws
from deployment import Deployment, wait_for
from store import Store, partition_of
from undisturbed import Undisturbed


class Offences(Undisturbed):
    """No tests by their names: the one below runs them. It gives the class `deployment`, `engine` and `secret`."""

    def offend_nobody_watches(self):
        pass

    def offend_another_verdict_was_heard(self):
        self.watch(self.deployment, self.engine, "acme", self.secret, "grace")

    def offend_somebody_was_cut_off(self):
        self.watch(self.deployment, self.engine, "acme", self.secret).lost = "the connection"

    def offend_somebody_had_to_wait(self):
        self.watch(self.deployment, self.engine, "acme", self.secret).longest_silence_max = 0.0

    def offend_a_record_changed(self):
        self.watch(self.deployment, self.engine, "acme", self.secret)
        self.asked_for("credential:another", "stream:integrators")
        client = self.deployment.redis.client()
        key = Store.key(partition_of("acme"), "records")
        good = client.hget(key, "credential:acme")
        self.addCleanup(client.hset, key, "credential:acme", good)
        client.hset(key, "credential:acme", good + b"x")

    def offend_something_was_added(self):
        self.watch(self.deployment, self.engine, "acme", self.secret)
        client = self.deployment.redis.client()
        self.addCleanup(client.hdel, Store.key("{sys}", "records"), "group:others")
        client.hset(Store.key("{sys}", "records"), "group:others", b"x")

    def offend_a_secret_was_answered(self):
        self.watch(self.deployment, self.engine, "acme", self.secret)
        self.heard.append(b"it is " + self.secret)

    def offend_a_secret_was_answered_in_hex(self):
        self.watch(self.deployment, self.engine, "acme", self.secret)
        self.heard.append(b"it is " + self.secret.hex().encode())

    def offend_a_secret_was_answered_in_a_jws(self):
        self.watch(self.deployment, self.engine, "acme", self.secret)
        self.heard.append(self.jws_that_says(self.secret.hex()))

    def offend_a_secret_stands_in_a_file(self):
        self.write_down("plain.log", self.secret)

    def offend_a_secret_stands_in_a_file_in_hex(self):
        self.write_down("hex.log", self.secret.hex().encode())

    def offend_a_secret_stands_in_a_file_in_base64(self):
        self.write_down("base64.log", base64.b64encode(b"it is " + self.secret + b"."))

    def offend_a_secret_stands_in_a_file_in_a_jws(self):
        self.write_down("jws.log", self.jws_that_says(self.secret.hex()))

    def write_down(self, name, text):
        self.watch(self.deployment, self.engine, "acme", self.secret)
        self.addCleanup(os.unlink, self.deployment.write(name, "it is " + text.decode()))

    @staticmethod
    def jws_that_says(text):
        """Hex inside base64url: only who opens it finds that. Nobody checks the signature."""
        parts = (b'{"alg":"EdDSA"}', b'{"detail":"%s"}' % text.encode(), bytes(64))
        return b".".join(jws.b64(part).encode() for part in parts)

    def innocent(self):
        self.watch(self.deployment, self.engine, "acme", self.secret)


class EachIsNoticed(unittest.TestCase):
    REASONS = {
        "offend_nobody_watches": "nobody was served beside it",
        "offend_another_verdict_was_heard": "{'current'} not less than or equal to {'grace'}",
        "offend_somebody_was_cut_off": "was cut off",
        "offend_somebody_had_to_wait": "had to wait",
        "offend_a_record_changed": "nothing has changed",
        "offend_something_was_added": "nothing has changed",
        "offend_a_secret_was_answered": "a secret was answered",
        "offend_a_secret_was_answered_in_hex": "a secret was answered",
        "offend_a_secret_was_answered_in_a_jws": "a secret was answered",
        "offend_a_secret_stands_in_a_file": "plain.log",
        "offend_a_secret_stands_in_a_file_in_hex": "hex.log",
        "offend_a_secret_stands_in_a_file_in_base64": "base64.log",
        "offend_a_secret_stands_in_a_file_in_a_jws": "jws.log",
        "innocent": None,
    }

    def test_each_offence_is_noticed_and_the_innocent_one_is_not_accused(self):
        with Deployment() as there:
            engine = there.engine().wait_ready()
            there.alice.run("group", "create", "integrators", "alice")
            there.alice.create("acme")
            _, secret = there.alice.receive()
            wait_for("the secret", lambda: engine.verify("acme", secret) == "current")
            Offences.deployment, Offences.engine, Offences.secret = there, engine, secret
            self.assertEqual({name for name in dir(Offences) if name.startswith("offend_")} | {"innocent"}, set(self.REASONS))
            for name, reason in self.REASONS.items():
                with self.subTest(name):
                    outcome = Offences(name).run()
                    said = [text for _, text in outcome.failures]
                    self.assertEqual(outcome.errors, [])
                    self.assertEqual(len(said), 1 if reason else 0, said)
                    self.assertIn(reason or "", "".join(said))


if __name__ == "__main__":
    unittest.main(verbosity=2)
