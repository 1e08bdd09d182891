"""Gateways that log in: where the configuration names gateways, every connection says AUTH before it may check anything. With
the clients people have, over TCP and a Unix socket; no token stands in any file but where it was put."""

import hashlib
import subprocess
import unittest

import redis

from deployment import Deployment, Refused, Resp, free_port, wait_for
from leaks import leaks
from undisturbed import Undisturbed

TOKENS = {"edge": "the-token-of-the-edge-gateway", "batch": "the-token-of-the-nightly-batch", "default": "the-token-without-a-name"}


class Gateways(Undisturbed):
    @classmethod
    def setUpClass(cls):
        cls.there = Deployment()
        cls.addClassCleanup(cls.there.close)
        with open(cls.there.config, "a", encoding="utf-8") as config:
            for name, token in TOKENS.items():
                config.write('\n[[gateway]]\nname = "%s"\ntoken_sha256 = "%s"\n' % (name, hashlib.sha256(token.encode()).hexdigest()))
        cls.tcp = "127.0.0.1:%d" % free_port()
        cls.engine = cls.there.engine(extra=("--listen.resp", cls.tcp), login=("batch", TOKENS["batch"])).wait_ready()
        alice = cls.there.alice
        alice.run("group", "create", "integrators", "alice")
        alice.create("acme")
        cls.file, cls.secret = alice.receive()
        wait_for("the secret", lambda: cls.engine.verify("acme", cls.secret) == "current")

    def setUp(self):
        super().setUp()
        self.watch(self.there, self.engine, "acme", self.secret)

    def secrets_known(self):
        return super().secrets_known() | {token.encode() for token in TOKENS.values()}

    def connections(self):
        return map(self.listening, (self.tcp, self.engine.address))

    # ---- bare ----

    def test_who_has_not_logged_in_learns_nothing(self):
        for connection in self.connections():
            for command in (("VERIFY", "acme", self.secret), ("MVERIFY", "acme", self.secret), ("EXPLAIN", "acme", self.secret),
                            ("VERIFYKEY", "sl_acme.x"), ("INFO",), ("PING",), ("CLIENT", "LIST"), ("HELLO", "3")):
                self.assertTrue(connection.call(*command).startswith("-NOAUTH "), command)
            self.assertEqual(connection.call("AUTH", "edge", TOKENS["edge"]), "OK")
            self.assertEqual(connection.call("VERIFY", "acme", self.secret), "current")

    def test_a_wrong_login_is_refused_and_counted_and_ends_no_other(self):
        before = int(self.engine.info()["shearline_refused_logins"])
        wrong = (("edge", TOKENS["batch"]), ("edge", ""), ("nobody", TOKENS["edge"]), ("", TOKENS["edge"]), (TOKENS["edge"],),
                 ("edge", "x" * 600), ("edge", b"\0\xff"))
        for connection in self.connections():
            refusals = {connection.call("AUTH", *login) for login in wrong}
            self.assertEqual(len({refusal.split(" ")[0] for refusal in refusals}), 1, refusals)
            self.assertTrue(connection.call("VERIFY", "acme", self.secret).startswith("-NOAUTH "))
            self.assertEqual(connection.call("AUTH", "edge", TOKENS["edge"]), "OK")
            self.assertTrue(connection.call("AUTH", "edge", "wrong").startswith("-WRONGPASS "))
            self.assertEqual(connection.call("VERIFY", "acme", self.secret), "current", "a failed login takes nothing away")
            self.assertEqual(connection.call("RESET"), "RESET")
            self.assertTrue(connection.call("VERIFY", "acme", self.secret).startswith("-NOAUTH "))
        self.assertGreaterEqual(int(self.engine.info()["shearline_refused_logins"]) - before, 2 * 7)

    def test_a_gateway_is_known_by_its_name(self):
        connection = next(self.connections())
        greeting = connection.call("HELLO", "3", "AUTH", "edge", TOKENS["edge"], "SETNAME", "pod-7")
        self.assertEqual(dict(zip(greeting[::2], greeting[1::2]))[b"server"], b"shearline")
        self.assertIn(b"user=edge", connection.call("CLIENT", "LIST"))

    # ---- the clients people have ----

    def redis_cli(self, *arguments):
        host, port = self.tcp.split(":")
        done = subprocess.run(["redis-cli", "--no-auth-warning", "-h", host, "-p", port, *arguments], capture_output=True, timeout=60)
        return done.stdout.decode().strip()

    def test_redis_cli(self):
        self.assertIn("NOAUTH", self.redis_cli("VERIFY", "acme", self.secret.decode()))
        named = ("--user", "edge", "--pass", TOKENS["edge"])
        self.assertEqual(self.redis_cli(*named, "VERIFY", "acme", self.secret.decode()), "current")
        self.assertEqual(self.redis_cli(*named, "-3", "VERIFY", "acme", self.secret.decode()), "current")
        self.assertEqual(self.redis_cli("-a", TOKENS["default"], "VERIFY", "acme", self.secret.decode()), "current")

    def test_python_redis(self):
        host, port = self.tcp.split(":")
        client = redis.Redis(host=host, port=int(port), username="edge", password=TOKENS["edge"])
        self.assertEqual(client.execute_command("VERIFY", "acme", self.secret), b"current")
        with self.assertRaisesRegex(redis.exceptions.RedisError, "WRONGPASS"):
            redis.Redis(host=host, port=int(port), username="edge", password="wrong").ping()
        with self.assertRaisesRegex(redis.exceptions.RedisError, "NOAUTH|Authentication required"):
            redis.Redis(host=host, port=int(port)).ping()

    def test_the_command_line(self):
        token = self.there.write("edge.token", TOKENS["edge"] + "\n")
        wrong = self.there.write("wrong.token", TOKENS["batch"] + "\n")
        self.there.secret_files.update((token, wrong))
        verify = ("verify", "acme", "--server", self.tcp, "--secret-file", self.file)
        status, lines, _ = self.there.alice.hear(*verify)
        self.assertEqual((status, lines[-1]["code"]), (4, "unauthorized"))
        self.assertIn("--gateway and --token-file", lines[-1]["detail"])
        status, lines, _ = self.there.alice.hear(*verify, "--gateway", "edge", "--token-file", wrong)
        self.assertEqual((status, lines[-1]["code"]), (4, "unauthorized"))
        self.assertEqual(self.there.alice.run(*verify, "--gateway", "edge", "--token-file", token)[-1]["verdict"], "current")

    # ---- the configuration ----

    def test_mistakes_about_gateways_are_faults(self):
        with open(self.there.config, encoding="utf-8") as text:
            good = text.read()
        faulty = good + '[[gateway]]\nname = "a b"\ntoken_sha256 = "the-token-itself"\n[[gateway]]\nname = "edge"\ntoken = "x"\n'
        config = self.there.write("faulty.toml", faulty)
        with self.assertRaises(Refused) as refused:
            self.there.shearline("server", "--config", config, "--data", self.there.folder + "/unused", "--check")
        self.assertEqual(refused.exception.status, 78)
        for part in ("`name` of a gateway", "`token_sha256` of a gateway", "two gateways have the name edge", "unknown field `token`"):
            self.assertIn(part, refused.exception.err)
        self.assertNotIn("the-token-itself", refused.exception.err)

    def test_where_no_gateway_is_named_a_login_is_refused_as_redis_words_it(self):
        with Deployment() as open_to_all:
            engine = open_to_all.engine().wait_ready()
            connection = Resp(engine.address)
            self.addCleanup(connection.close)
            for login in (("edge", TOKENS["edge"]), (TOKENS["edge"],)):
                self.assertEqual(connection.call("AUTH", *login), "-ERR Client sent AUTH, but no password is set")
            self.assertEqual(connection.call("VERIFY", "acme", self.secret), "rejected")
            self.assertEqual(leaks(open_to_all, TOKENS["edge"], self.secret), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
