"""The ACL lines of docs/redis.md: with them, and nothing more, engine and admin do their work, and an admin reads and
writes no record."""

import os
import re
import unittest

from deployment import Deployment, wait_for

DOCS = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "redis.md")


class Acl(unittest.TestCase):
    def test_the_documented_users_suffice_and_the_admin_touches_no_record(self):
        with open(DOCS, encoding="utf-8") as text:
            lines = re.findall(r"^ACL SETUSER .*$", text.read(), re.MULTILINE)
        self.assertEqual(len(lines), 2)
        with Deployment() as there:
            root = there.redis.client()
            for line in lines:
                root.execute_command(*line.split())
            root.execute_command("ACL", "SETUSER", "default", "off")
            there.write("engine-password", "engine-password")
            there.write("admin-password", "admin-password")
            engine = there.engine(extra=("--store.username", "shearline-engine", "--store.password_file",
                                         os.path.join(there.folder, "engine-password"))).wait_ready()
            as_admin = ("--redis-user", "shearline-admin", "--redis-password-file", os.path.join(there.folder, "admin-password"))
            alice = there.alice
            plain_run = alice.run
            alice.run = lambda *arguments, **more: plain_run(*as_admin, *arguments, **more)
            alice.run("group", "create", "integrators", "alice")
            alice.create("acme")
            _, secret = alice.receive()
            wait_for("the secret", lambda: engine.verify("acme", secret) == "current")
            self.assertNotIn("NOPERM", engine.said())

            import redis
            admin = redis.Redis(unix_socket_path=there.redis.socket, username="shearline-admin", password="admin-password")
            for attempt in (("HGETALL", "shearline:{sys}:records"), ("HSET", "shearline:{sys}:records", "admin:mallory", "x"),
                            ("XADD", "shearline:{g:integrators}:stream", "*", "envelope", "x"), ("FLUSHALL",),
                            ("SET", "shearline:{sys}:lease", "mine"), ("KEYS", "*"), ("EVAL", "return 1", "0")):
                with self.assertRaises(redis.exceptions.ResponseError, msg=attempt):
                    admin.execute_command(*attempt)


if __name__ == "__main__":
    unittest.main(verbosity=2)
