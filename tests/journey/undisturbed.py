"""What bad input must never do, whatever it is: keep others waiting, change anything, bring a secret to light. The base class of
every test that docs/bad-input.md names; each adds the fourth, that it gets a clear answer. House.BadInputIsProvenByTestsThatExist
holds the page to it."""

import unittest

from deployment import KEYRING_PASSPHRASE, Gateway, Resp, wait_for
from leaks import found_in, leaks, numbered, opened
from store import Store, partition_of


def differences(before, after):
    """What is in the one and not, or otherwise, in the other: keys, and of records their fields."""
    changed = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name, {}), after.get(name, {})
        if isinstance(old, dict) and isinstance(new, dict):
            changed += ["%s %s" % (name, field.decode()) for field in sorted(old.keys() | new.keys()) if old.get(field) != new.get(field)]
        elif old != new:
            changed.append(name)
    return changed


class Undisturbed(unittest.TestCase):
    """A test calls watch() before it does anything bad, once or for several engines; the rest is checked after it."""

    def setUp(self):
        self.gateways = []
        self.heard = []  # what the test was answered, as bytes
        self.expected = set()

    # ---- what a test says of itself ----

    def watch(self, there, engine, client_id, secret, *verdicts):
        """From here on: a gateway beside the test checks this secret without pause, and the store is what it is now."""
        self.there = there
        self.store = Store(there.redis.client())
        if not self.gateways:
            wait_for("a quiet store", self.store.outbox_is_empty)
            self.before = self.store.state()
        gateway = Gateway(engine, client_id, secret)
        self.gateways.append((gateway, verdicts or ("current",)))
        return gateway

    def unwatch(self):
        """The gateways were served until now; what comes next may end their connections."""
        for gateway, verdicts in self.gateways:
            if not gateway.stopping.is_set():
                gateway.check_served(self, *verdicts)

    def asked_for(self, *changed):
        """Changes that the test makes by itself, in good order: "credential:acme", "group:others", "stream:integrators"."""
        self.expected.update(changed)

    def settled(self):
        """What was asked for is done, and nothing else: from here on everything is to be as it is now."""
        wait_for("a quiet store", self.store.outbox_is_empty)
        self.assert_nothing_changed()
        self.expected.clear()
        self.before = self.store.state()

    def listening(self, address):
        """A connection whose answers are looked through."""
        heard = self.heard

        class Listening(Resp):
            def reply(self):
                said = super().reply()
                heard.append(repr(said).encode())
                return said
        connection = Listening(address)
        self.addCleanup(connection.close)
        return connection

    # ---- what is checked ----

    def tearDown(self):
        self.assertTrue(self.gateways, "nobody was served beside it, so nothing is proven")
        self.unwatch()
        self.assert_nothing_changed()
        self.assert_nothing_leaked()

    def assert_nothing_changed(self):
        self.assertEqual(differences(self.without_expected(self.before), self.without_expected(self.store.state())), [], "nothing has changed")

    def without_expected(self, state):
        fields = {name.encode() for name in self.expected}
        moved = {Store.key(partition_of(name.split(":", 1)[1]), kind) for name in self.expected if name.startswith("credential:")
                 for kind in ("head", "changes", "due")}
        moved |= {"shearline:{g:%s}:stream" % name.split(":", 1)[1] for name in self.expected if name.startswith("stream:")}
        kept = {name: value for name, value in state.items() if name not in moved}
        kept = {name: {field: record for field, record in value.items() if field not in fields} if isinstance(value, dict) else value
                for name, value in kept.items()}
        return {name: value for name, value in kept.items() if value != {}}

    def assert_nothing_leaked(self):
        secrets = self.secrets_known()
        self.assertEqual(leaks(self.there, *secrets), [])
        answers = [place for answer in self.heard for place in opened(repr(answer[:200]), answer)]
        self.assertEqual(found_in(answers, numbered(secrets)), [], "a secret was answered")

    def secrets_known(self):
        """What a test adds to these it returns with them."""
        secrets = {KEYRING_PASSPHRASE.encode()} | {(admin.name + "-passphrase").encode() for admin in self.there.admins}
        for gateway, _ in self.gateways:
            secrets.add(gateway.secret if isinstance(gateway.secret, bytes) else gateway.secret.encode())
        for admin in self.there.admins:
            for path in admin.received():
                with open(path, "rb") as text:
                    secrets.add(text.read().strip())
        return secrets
