"""The first whole journey, on real parts, as a stranger would walk it."""

import json
import os
import unittest

from deployment import Deployment, Resp, wait_for


class Tour(unittest.TestCase):
    def test_create_receive_verify_rotate_verify_both_and_read_the_trail(self):
        with Deployment() as there:
            engine = there.engine().wait_ready()
            alice = there.alice
            alice.run("group", "create", "integrators", "alice")
            alice.create("acme")
            _, first = alice.receive()
            wait_for("the first secret", lambda: engine.verify("acme", first) == "current")

            alice.run("rotate", "acme", "--grace", "1h", "--no-follow", "--reason", "tour")
            path, second = alice.receive()
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
            wait_for("the second secret", lambda: engine.verify("acme", second) == "current")
            self.assertEqual(engine.verify("acme", first), "grace")
            self.assertEqual(engine.verify("acme", second[:-1]), "rejected")

            connection = Resp(engine.address)
            self.assertEqual(connection.call("MVERIFY", "acme", first, "acme", second, "acme", "x" * 43, "", "y"), b"gcrm")
            explained = connection.call("EXPLAIN", "acme", first)
            fields = dict(zip(explained[::2], explained[1::2]))
            self.assertEqual(fields[b"verdict"], b"grace")
            connection.close()

            def promoted():
                return [e for e in engine.audit() if e["event"]["type"] == "rotation.promoted"]
            wait_for("both promotions in the trail", lambda: len(promoted()) == 2)
            self.assertEqual(promoted()[1]["event"]["reason"], "tour")
            self.assertEqual(engine.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
