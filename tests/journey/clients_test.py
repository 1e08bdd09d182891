"""The clients people have talk to the engine as it is: redis-cli, redis-benchmark, python3-redis and npm ioredis; one by one,
pipelined and in bulk, over TCP and over a Unix socket, in RESP2 and in RESP3."""

import functools
import json
import os
import re
import shutil
import subprocess
import threading
import unittest

import redis

from deployment import Deployment, Resp, free_port, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))


def over_each_socket(test):
    """The test once over TCP and once over the Unix socket."""
    @functools.wraps(test)
    def both(self):
        for address in (self.tcp, self.engine.address):
            with self.subTest(address=address.split(":")[0]):
                test(self, address)
    return both


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.there = Deployment()
        cls.addClassCleanup(cls.there.close)
        cls.tcp = "127.0.0.1:%d" % free_port()
        cls.engine = cls.there.engine(extra=("--workers", "2", "--listen.resp", cls.tcp)).wait_ready()
        alice = cls.there.alice
        alice.run("group", "create", "integrators", "alice")
        alice.create("acme")
        _, old = alice.receive()
        alice.run("rotate", "acme", "--grace", "1h", "--no-follow")
        _, new = alice.receive()
        cls.old, cls.new = old.decode(), new.decode()
        wait_for("the new secret", lambda: cls.engine.verify("acme", cls.new) == "current")
        # Each with the verdict it deserves; the last ones stand between right ones, whom they must not spoil.
        cls.checks = [("acme", cls.new, "current"), ("acme", cls.old, "grace"), ("acme", cls.new[:-1], "rejected"),
                      ("nobody", cls.new, "rejected"), ("", cls.new, "malformed"), ("acme", "", "malformed"),
                      ("a b", cls.new, "malformed"), ("acme", "x" * 513, "malformed"), ("acme", cls.new, "current")]
        cls.pairs = [[client_id, secret] for client_id, secret, _ in cls.checks]
        cls.flat = [part for pair in cls.pairs for part in pair]
        cls.verdicts = [verdict for _, _, verdict in cls.checks]
        cls.letters = "".join(verdict[0] for verdict in cls.verdicts)

    def tearDown(self):
        self.assertEqual(self.engine.info()["shearline_protocol_errors"], "0", "a client said what the engine takes for broken")

    def endpoint(self, address):
        """As redis-cli and redis-benchmark want it."""
        if address.startswith("unix:"):
            return ["-s", address[5:]]
        host, port = address.split(":")
        return ["-h", host, "-p", port]

    # ---- redis-cli ----

    def redis_cli(self, address, *arguments, stdin=None):
        done = subprocess.run(["redis-cli", *self.endpoint(address), *arguments], input=stdin, capture_output=True, timeout=60,
                              check=True)
        return done.stdout.decode()

    @over_each_socket
    def test_redis_cli(self, address):
        self.assertEqual(self.redis_cli(address, "PING"), "PONG\n")
        for client_id, secret, verdict in self.checks:
            self.assertEqual(self.redis_cli(address, "VERIFY", client_id, secret), verdict + "\n")
        self.assertEqual(self.redis_cli(address, "MVERIFY", *self.flat), self.letters + "\n")
        explained = self.redis_cli(address, "--json", "EXPLAIN", "acme", self.old)
        self.assertIn('"verdict"', explained)
        self.assertIn("shearline_ready:1", self.redis_cli(address, "INFO"))
        self.assertIn("ERR", self.redis_cli(address, "GET", "key"))

    @over_each_socket
    def test_redis_cli_in_resp3(self, address):
        self.assertEqual(self.redis_cli(address, "-3", "VERIFY", "acme", self.new), "current\n")
        explained = json.loads(self.redis_cli(address, "-3", "--json", "EXPLAIN", "acme", self.old))
        self.assertEqual(explained["verdict"], "grace")
        self.assertEqual(explained["client_id"], "acme")
        self.assertGreater(explained["retires_at"], 0)

    @over_each_socket
    def test_redis_cli_with_lines_on_stdin(self, address):
        lines = "".join("VERIFY acme %s\n" % secret for secret in (self.new, self.old))
        self.assertEqual(self.redis_cli(address, stdin=lines.encode()), "current\ngrace\n")

    # ---- redis-benchmark ----

    def checks_counted(self):
        return int(self.engine.info()["shearline_checks_current"])

    @over_each_socket
    def test_redis_benchmark(self, address):
        requests = 20000
        before = self.checks_counted()
        done = subprocess.run(["redis-benchmark", *self.endpoint(address), "-P", "64", "-n", str(requests), "-c", "10", "-q",
                               "VERIFY", "acme", self.new], capture_output=True, timeout=120, check=True)
        self.assertRegex(done.stdout.decode(), r"[1-9][\d.]* requests per second")
        self.assertGreaterEqual(self.checks_counted() - before, requests)

    # ---- python3-redis ----

    def python_client(self, address, **options):
        if address.startswith("unix:"):
            return redis.Redis(unix_socket_path=address[5:], **options)
        host, port = address.split(":")
        return redis.Redis(host=host, port=int(port), **options)

    @over_each_socket
    def test_python_redis(self, address):
        client = self.python_client(address, client_name="gateway", health_check_interval=1)
        self.assertTrue(client.ping())
        self.assertEqual(client.client_getname(), "gateway")
        self.assertEqual(client.info()["shearline_ready"], 1)
        for client_id, secret, verdict in self.checks:
            self.assertEqual(client.execute_command("VERIFY", client_id, secret), verdict.encode())
        self.assertEqual(client.execute_command("MVERIFY", *self.flat), self.letters.encode())
        with self.assertRaisesRegex(redis.ResponseError, "wrong number of arguments"):
            client.execute_command("VERIFY", "acme")
        self.assertEqual(client.execute_command("VERIFY", "acme", self.new), b"current")

    @over_each_socket
    def test_python_redis_pipelines(self, address):
        client = self.python_client(address, decode_responses=True)
        pipeline = client.pipeline(transaction=False)
        for _ in range(500):
            for client_id, secret, _ in self.checks:
                pipeline.execute_command("VERIFY", client_id, secret)
            pipeline.execute_command("MVERIFY", *self.flat)
        self.assertEqual(pipeline.execute(), (self.verdicts + [self.letters]) * 500)

    @over_each_socket
    def test_python_redis_pool_of_many_threads(self, address):
        host = {"path": address[5:]} if address.startswith("unix:") else dict(zip(("host", "port"), address.split(":")))
        kind = redis.UnixDomainSocketConnection if "path" in host else redis.Connection
        pool = redis.BlockingConnectionPool(connection_class=kind, max_connections=4, **host)
        rounds = 20
        heard = []

        def gateway():
            client = redis.Redis(connection_pool=pool)
            heard.append([client.execute_command("VERIFY", *pair).decode() for pair in self.pairs * rounds])
        threads = [threading.Thread(target=gateway) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(heard, [self.verdicts * rounds] * len(threads))
        pool.disconnect()

    # ---- npm ioredis ----

    @over_each_socket
    def test_ioredis(self, address):
        if not os.environ.get("NODE_PATH"):
            self.assertFalse(os.environ.get("SHEARLINE_REQUIRE_PEERS"), "NODE_PATH names no folder with ioredis")
            self.skipTest("NODE_PATH names no folder with ioredis; scripts/test installs it and names it")
        self.assertTrue(shutil.which("node"), "node is missing")
        done = subprocess.run(["node", os.path.join(HERE, "ioredis_client.js"), address, json.dumps({"pairs": self.pairs})],
                              capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        heard = json.loads(done.stdout)
        self.assertEqual(heard["ping"], "PONG")
        self.assertEqual(heard["name"], "gateway")
        for way in ("one_by_one", "pipelined", "automatic"):
            self.assertEqual(heard[way], self.verdicts, way)
        self.assertEqual(heard["bulk"], self.letters)
        self.assertEqual(dict(zip(heard["explained"][::2], heard["explained"][1::2]))["verdict"], "current")
        self.assertIn("wrong number of arguments", heard["error"])
        self.assertEqual(heard["after_error"], "current")

    # ---- bare RESP3 ----

    @over_each_socket
    def test_resp3_after_hello(self, address):
        connection = Resp(address)
        greeting = connection.call("HELLO", "3", "SETNAME", "gateway")
        self.assertEqual(dict(zip(greeting[::2], greeting[1::2]))[b"proto"], 3)
        connection.send(Resp.frame("EXPLAIN", "acme", self.old))
        head = connection.file.readline()
        self.assertTrue(re.fullmatch(rb"%\d+\r\n", head), "a map in RESP3: %r" % head)
        fields = [connection.reply() for _ in range(2 * int(head[1:-2]))]
        self.assertEqual(dict(zip(fields[::2], fields[1::2]))[b"verdict"], b"grace")
        frames = b"".join(Resp.frame("VERIFY", *pair) for pair in self.pairs)
        connection.send(frames * 100 + Resp.frame("MVERIFY", *self.flat))
        self.assertEqual([connection.reply() for _ in range(900)], self.verdicts * 100)
        self.assertEqual(connection.reply(), self.letters.encode())
        self.assertIn("NOPROTO", connection.call("HELLO", "4"))
        connection.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
