"""Starting in a bad place: a configuration with ten mistakes, an address or a data folder in use, the wrong keyring, a Redis
that would lose records, no Redis at all. One clear line each and the right status; an engine that runs already is not disturbed.
`--check` says the same without starting."""

import contextlib
import os
import socket
import subprocess
import unittest

from deployment import BIN, PATIENCE, Deployment, Gateway, Refused, free_port, wait_for
from undisturbed import Undisturbed

EX_CONFIG = 78


def ending(engine):
    """Of an engine that must not run: its status and what it said."""
    wait_for("the engine to end", lambda: not engine.running())
    return engine.child.returncode, engine.said()


def working(there, extra=()):
    """An engine with one credential, and its secret."""
    engine = there.engine("first", extra=extra).wait_ready()
    there.alice.run("group", "create", "integrators", "alice")
    there.alice.create("acme")
    _, secret = there.alice.receive()
    wait_for("the secret", lambda: engine.verify("acme", secret) == "current")
    return engine, secret


class BadStart(Undisturbed):
    """Beside an engine that runs already."""

    def deployment(self, **how):
        there = Deployment(**how)
        self.addCleanup(there.close)
        return there

    def secrets_known(self):
        return super().secrets_known() | {b"not the passphrase"}

    @contextlib.contextmanager
    def undisturbed(self, there, extra=()):
        first, secret = working(there, extra)
        self.watch(there, first, "acme", secret)
        yield first
        self.assertTrue(first.ready())

    def check(self, there, *extra):
        """`--check` of what an engine beside the first would be started with: its status, what it printed and said."""
        done = subprocess.run([os.path.join(BIN, "shearline"), "server", "--config", there.config, "--data", there.folder + "/unused",
                               "--listen.resp", "unix:%s/unused.sock" % there.folder, *extra, "--check"], env=there.environment(),
                              capture_output=True, timeout=PATIENCE)
        self.heard.append(done.stdout + done.stderr)
        for unused in ("unused", "unused.sock"):
            self.assertFalse(os.path.exists(os.path.join(there.folder, unused)), "checking makes nothing")
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def assert_check_refused(self, there, saying, *extra):
        status, printed, said = self.check(there, *extra)
        self.assertEqual((status, printed), (EX_CONFIG, ""), said)
        self.assertIn(saying, said)
        self.assertTrue(said.endswith("1 fault\n") or said.endswith("1 fault in the configuration\n"), said)

    # ---- configuration ----

    def test_ten_mistakes_are_ten_lines_each_with_its_origin(self):
        there = self.deployment()
        config = there.write("bad.toml", """deployment = "has spaces"
wrokers = 2
workers = 1000
log = "loud"
rules = "/does/not/exist"
[listen]
resp = ["0.0.0.0:7411", "nowhere"]
drain = "soon"
[store]
kind = "postgres"
lease = "1ms"
[keyring]
file = "/does/not/exist"
kek = "passphrase-file:%s"
[[admin]]
id = "alice"
singing_key = "x"
""" % there.kek)
        expected = [":1: `deployment`", ":2: unknown setting `wrokers`", "did you mean `workers`", ":3: `workers`", ":4: `log`", ":5: `rules`",
                    ":7: `listen.resp`: 0.0.0.0:7411 is beyond loopback", ":7: `listen.resp`: ", ":8: `listen.drain`", ":10: `store.kind`",
                    ":11: `store.lease`", ":13: `keyring.file`", "unknown field `singing_key`", "`signing_key` of an admin",
                    "flag --wrokers", "environment SHEARLINE_WROKERS"]
        environment = {**there.environment(), "SHEARLINE_WROKERS": "2"}
        with self.undisturbed(there):
            self.check_mistakes(there, config, environment, expected)

    def check_mistakes(self, there, config, environment, expected):
        for check in ([], ["--check"]):
            done = subprocess.run([os.path.join(BIN, "shearline"), "server", "--config", config, "--data", there.folder + "/data",
                                   "--wrokers", "2", *check], env=environment, capture_output=True, timeout=PATIENCE)
            said = done.stderr.decode()
            self.assertEqual(done.returncode, EX_CONFIG, said)
            for part in expected:
                self.assertIn(part, said)
            lines = said.splitlines()
            self.assertGreaterEqual(len(lines), 11)
            self.assertIn("%d faults in the configuration" % (len(lines) - 1), lines[-1])
            self.assertFalse(os.path.exists(there.folder + "/data"), "nothing was begun")

    def test_lanes_that_no_processor_has(self):
        there = self.deployment()
        with self.undisturbed(there):
            environment = {**there.environment(), "SHEARLINE_LANES": "sse9"}
            for check in ([], ["--check"]):
                done = subprocess.run([os.path.join(BIN, "shearline"), "server", "--config", there.config, "--data",
                                       there.folder + "/unused", *check], env=environment, capture_output=True, timeout=PATIENCE)
                said = done.stderr.decode()
                self.assertEqual((done.returncode, done.stdout), (EX_CONFIG, b""), said)
                self.assertEqual(len(said.splitlines()), 2, said)
                self.assertIn("shearline: environment SHEARLINE_LANES: 'sse9' is no kernel of this processor, which has: ", said)
                self.assertIn("portable\n", said)

    def test_a_file_that_is_no_toml(self):
        there = self.deployment()
        with self.undisturbed(there):
            for content in ("deployment = \n", "", "[" * 100000, "\0\xff", "x = " + "9" * 100000):
                status, said = ending(there.engine(extra=("--config", there.write("bad.toml", content))))
                self.assertEqual(status, EX_CONFIG, said)
                self.assertIn("bad.toml", said.splitlines()[-2])
                self.assertEqual(said.splitlines()[-1], "shearline: 1 fault in the configuration")

    # ---- what is in use ----

    def test_a_port_in_use(self):
        there = self.deployment()
        with self.undisturbed(there), socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            status, said = ending(there.engine(extra=("--listen.resp", "127.0.0.1:%d" % port)))
        self.assertEqual(status, 1)
        self.assertIn("127.0.0.1:%d" % port, said)
        self.assertIn("in use", said)

    def test_a_port_of_another_engine(self):
        there = self.deployment()
        address = "127.0.0.1:%d" % free_port()
        with self.undisturbed(there, ("--listen.resp", address)):
            status, said = ending(there.engine("second", extra=("--listen.resp", address)))
            self.assertEqual(status, 1)
            self.assertIn(address, said)

    def test_a_unix_socket_of_another_engine(self):
        there = self.deployment()
        with self.undisturbed(there) as first:
            status, said = ending(there.engine("second", extra=("--listen.resp", first.address)))
            self.assertEqual(status, 1)
            self.assertIn(first.socket, said)
            self.assertIn("listens there", said)
            self.assertTrue(first.ready(), "its socket stands where it stood")

    def test_a_path_that_is_no_socket(self):
        there = self.deployment()
        path = there.write("precious", "a file of somebody's\n")
        with self.undisturbed(there):
            status, said = ending(there.engine("second", extra=("--listen.resp", "unix:" + path)))
            self.assertEqual(status, 1)
            self.assertIn(path, said)
            self.assert_check_refused(there, "a file that is not a socket", "--listen.resp", "unix:" + path)
        with open(path, encoding="utf-8") as kept:
            self.assertEqual(kept.read(), "a file of somebody's\n")

    def test_two_engines_on_one_data_folder(self):
        there = self.deployment()
        with self.undisturbed(there) as first:
            status, said = ending(there.engine("second", extra=("--data", first.data)))
            self.assertEqual(status, 1)
            self.assertIn("is in use by another engine", said)

    # ---- keys ----

    def test_a_keyring_with_the_wrong_passphrase(self):
        there = self.deployment()
        wrong = there.write("wrong", "not the passphrase\n")
        there.secret_files.add(wrong)
        with self.undisturbed(there):
            second = there.engine("second", extra=("--keyring.kek", "passphrase-file:" + wrong))
            status, said = ending(second)
            self.assertEqual(status, EX_CONFIG)
            self.assertIn(there.keyring, said)
            self.assertIn("the passphrase is wrong", said)
            self.assertEqual(len(said.splitlines()), 1, said)
            self.assertFalse(os.path.exists(second.data), "nothing was begun")
            self.assertIn("flag --keyring.kek: ", said)
            self.assert_check_refused(there, said.splitlines()[0], "--keyring.kek", "passphrase-file:" + wrong)

    def test_a_wrong_passphrase_beside_an_unknown_setting(self):
        there = self.deployment()
        wrong = there.write("wrong", "not the passphrase\n")
        there.secret_files.add(wrong)
        with self.undisturbed(there):
            status, printed, said = self.check(there, "--keyring.kek", "passphrase-file:" + wrong, "--wrokers", "2")
            self.assertEqual((status, printed), (EX_CONFIG, ""), said)
            lines = said.splitlines()
            self.assertEqual(len(lines), 3, said)
            self.assertIn("flag --wrokers: unknown flag", lines[0])
            self.assertIn("flag --keyring.kek: `keyring.kek`: " + there.keyring, lines[1])
            self.assertIn("the passphrase is wrong", lines[1])
            self.assertEqual(lines[2], "shearline: 1 fault in the configuration, and a start would fail at 1 more")

    def test_a_passphrase_that_cannot_be_had(self):
        there = self.deployment()
        with self.undisturbed(there):
            for number, (kek, saying) in enumerate((("passphrase-file:/does/not/exist", "No such file"), ("passphrase-env:NOT_SET", "is not set"),
                                ("passphrase-file:" + there.folder, "directory"), ("not the passphrase", "names no source"),
                                ("passphrase-file:" + there.write("empty", ""), "empty"))):
                status, said = ending(there.engine("engine-of-kek-%d" % number, extra=("--keyring.kek", kek)))
                self.assertEqual(status, EX_CONFIG, said)
                self.assertIn(saying, said.splitlines()[-2 if said.endswith("configuration\n") else -1])
                self.assert_check_refused(there, saying, "--keyring.kek", kek)

    def test_a_keyring_that_others_may_read(self):
        there = self.deployment()
        with self.undisturbed(there):
            os.chmod(there.keyring, 0o644)
            status, said = ending(there.engine())
            self.assertEqual(status, EX_CONFIG)
            self.assertIn("chmod 600", said)
            self.assert_check_refused(there, "chmod 600")

    def test_a_keyring_that_is_damaged(self):
        there = self.deployment()
        with open(there.keyring, encoding="utf-8") as text:
            whole = text.read()
        with self.undisturbed(there):
            for content in ("", "{}", whole[:len(whole) // 2], whole.replace('"journey"', '"staging"'), "[" * 100000):
                status, said = ending(there.engine(extra=("--keyring.file", there.write("damaged", content))))
                self.assertEqual(status, EX_CONFIG)
                self.assertIn("damaged", said.splitlines()[-1])
                self.assert_check_refused(there, "damaged", "--keyring.file", os.path.join(there.folder, "damaged"))

    # ---- checked without a start ----

    def test_a_check_says_what_a_start_would_fail_at(self):
        there = self.deployment()
        blocked = there.write("blocked", "a file where a folder should be\n")
        with self.undisturbed(there) as first:
            self.assertEqual(self.check(there), (0, "the configuration is good, and the keyring opens (Redis was not asked)\n", ""))
            self.assert_check_refused(there, "blocked is not a folder", "--data", blocked + "/data")
            self.assert_check_refused(there, "no such address", "--listen.resp", "192.0.2.1:7411", "--insecure")
            self.assert_check_refused(there, "its folder does not exist", "--listen.resp", "unix:/does/not/exist/s.sock")
            self.assert_check_refused(there, "belongs to the deployment journey", "--deployment", "other")
            status, printed, said = self.check(there, "--deployment", "other", "--data", blocked)
            self.assertEqual((status, printed, said.count("\n")), (EX_CONFIG, "", 3), said)
            # The engine that runs is the one whose configuration was changed, as often as not.
            status, printed, said = self.check(there, "--listen.resp", first.address)
            self.assertEqual((status, said.count("\n")), (0, 1), said)
            self.assertIn("shearline: note: cannot listen on " + first.address, said)


class BadRedis(unittest.TestCase):
    def deployment(self, **how):
        there = Deployment(**how)
        self.addCleanup(there.close)
        return there

    def test_the_unix_socket_of_a_killed_engine_is_taken_over(self):
        there = self.deployment()
        there.engine("first").wait_ready().kill()
        self.assertTrue(there.engine("first").wait_ready().ready())

    def test_a_redis_that_throws_records_away_is_refused(self):
        there = self.deployment(redis_extra=("--maxmemory-policy", "allkeys-lru", "--maxmemory", "100mb"))
        status, said = ending(there.engine())
        self.assertEqual(status, 1)
        self.assertIn("allkeys-lru", said)
        self.assertIn("noeviction", said)
        self.assertEqual(there.redis.client().hlen("shearline:{sys}:records"), 0)

    def test_a_redis_without_an_append_only_file_is_a_warning(self):
        there = self.deployment(redis_extra=("--appendonly", "no"))
        engine = there.engine().wait_ready()
        self.assertEqual(engine.said().count("store_not_durable"), 1)
        self.assertIn("appendonly yes", engine.said())

    def test_no_redis_at_the_start(self):
        there = self.deployment()
        there.redis.stop()
        engine = there.engine()
        wait_for("two lines", lambda: engine.said().count("not_ready") >= 2)
        self.assertIn(there.redis.address, engine.said())
        self.assertEqual(engine.verify("acme", "secret"), "-UNAVAILABLE loading")
        self.assertIn("cannot connect", engine.info()["shearline_not_ready"])
        self.assertTrue(engine.running())
        there.redis.start()
        engine.wait_ready()
        there.alice.run("group", "create", "integrators", "alice")

    def test_no_redis_at_the_start_and_then_a_bad_one(self):
        there = self.deployment()
        there.redis.stop()
        engine = there.engine()
        wait_for("it to listen", lambda: os.path.exists(engine.socket))
        there.redis.extra = ["--maxmemory-policy", "volatile-random"]
        there.redis.start()
        status, said = ending(engine)
        self.assertEqual(status, 1)
        self.assertIn("volatile-random", said)

    def test_redis_goes_and_comes_back(self):
        there = self.deployment()
        engine, secret = working(there)
        gateway = Gateway(engine, "acme", secret)
        there.redis.kill()
        wait_for("a line", lambda: "store_not_followed" in engine.said())
        with self.assertRaises(Refused) as refused:
            there.alice.run("--answer-timeout", "2s", "rotate", "acme", "--no-follow")
        self.assertEqual(refused.exception.status, 3)
        wait_for("the lease to run out", lambda: "lease_lost" in engine.said())
        self.assertTrue(engine.running())
        there.redis.start()
        wait_for("a line", lambda: "store_followed_again" in engine.said())
        wait_for("the lease", lambda: engine.said().count("lease_gained") >= 2)
        gateway.check_served(self, "current")
        there.alice.run("rotate", "acme", "--grace", "1h", "--no-follow")
        _, secret = there.alice.receive()
        wait_for("the new secret", lambda: engine.verify("acme", secret) == "current")
        self.assertLess(engine.said().count("store_not_followed"), 20, "one line for all partitions, not one each")


if __name__ == "__main__":
    unittest.main(verbosity=2)
