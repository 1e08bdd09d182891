"""Nonsense at the command line: wrong words, missing and unreadable files, a wrong passphrase, an output that takes nothing, a
closed one, another server's port. One clear line, in JSON where JSON was asked for; the exit code that `--help` names; nothing
changes and no secret goes where it should not."""

import json
import os
import shutil
import subprocess
import unittest

from deployment import BIN, PATIENCE, Deployment, free_port, wait_for
from undisturbed import Undisturbed

OK, USAGE, UNAVAILABLE, UNAUTHORIZED, NOT_FOUND, INVALID, FAILED = 0, 2, 3, 4, 6, 8, 9


class BadUsage(Undisturbed):
    @classmethod
    def setUpClass(cls):
        cls.there = Deployment()
        cls.addClassCleanup(cls.there.close)
        cls.tcp = "127.0.0.1:%d" % free_port()
        cls.engine = cls.there.engine(extra=("--listen.resp", cls.tcp)).wait_ready()
        cls.alice = cls.there.alice
        cls.alice.run("group", "create", "integrators", "alice")
        cls.alice.create("acme")
        cls.file, cls.secret = cls.alice.receive()
        wait_for("the secret", lambda: cls.engine.verify("acme", cls.secret) == "current")

    def setUp(self):
        super().setUp()
        self.watch(self.there, self.engine, "acme", self.secret)

    def secrets_known(self):
        return super().secrets_known() | {b"not-the-passphrase"}

    def run_plain(self, *arguments, shell=None, **environment):
        command = [os.path.join(BIN, "shearline"), *arguments]
        if shell:
            command = ["bash", "-c", '"$0" "$@" ' + shell, *command]
        done = subprocess.run(command, env={**self.alice.environment(self.there.redis.address), **environment},
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=2 * PATIENCE)
        self.heard.append(done.stdout + done.stderr)
        return done

    def assert_refused(self, status, saying, *arguments, **environment):
        """Once for people and once in JSON."""
        plain = self.run_plain(*arguments, **environment)
        said = plain.stderr.decode()
        self.assertEqual(plain.returncode, status, (arguments, said))
        self.assertIn(saying, said)
        self.assertTrue(said.startswith("shearline: ") and said.count("\n") <= 2, said)
        self.assertEqual(plain.stdout, b"")
        as_json = self.run_plain("--json", *arguments, **environment)
        self.assertEqual(as_json.returncode, status)
        told = json.loads(as_json.stdout)
        self.assertEqual(told["status"], "failed")
        self.assertIn(saying, told["detail"])

    # ---- words ----

    def test_words_nobody_knows(self):
        for saying, *arguments in (("unknown command `rotat`, did you mean `rotate`?", "rotat", "acme"),
                                   ("unknown command `credential destroy`", "credential", "destroy", "acme"),
                                   ("`server` comes first", "--insecure", "server", "--check"), ("`server` comes first", "--insecure", "server"),
                                   ("subcommand is required", "group"), ("client is required", "rotate"),
                                   ("--wrong", "rotate", "acme", "--wrong"), ("is not an id", "status", "a b"),
                                   ("is not an id", "status", "x" * 65), ("is not a ULID", "promote", "acme", "--rotation", "1"),
                                   ("--rotation is required", "cancel", "acme"), ("not in range", "list", "--limit", "0"),
                                   ("a duration from 1s to 5m", "--answer-timeout", "1h", "list"),
                                   ("--token-file", "verify", "acme", "--gateway", "edge")):
            self.assert_refused(USAGE, saying, *arguments)

    def test_values_nobody_understands(self):
        for saying, *arguments in (("--grace: a duration is", "rotate", "acme", "--grace", "soon"),
                                   ("--not-before: a moment is", "rotate", "acme", "--not-before", "yesterday"),
                                   ("--timeout: a duration is", "inbox", "--timeout", "x"),
                                   ("the port is missing", "--redis", "nonsense", "list"),
                                   ("beyond this machine", "--redis", "192.0.2.1:6379", "list"),
                                   ("beyond this machine", "verify", "acme", "--server", "192.0.2.1:7411")):
            self.assert_refused(INVALID, saying, *arguments)

    # ---- files ----

    def test_files_that_are_not_there_or_are_something_else(self):
        folder, junk = self.there.folder, self.there.write("junk", "{}")
        facts = ("--group", "integrators")
        for status, saying, *arguments in (
                (NOT_FOUND, "no admin keys at", "--keys", "/does/not/exist", "list"),
                (INVALID, "Is a directory", "--keys", folder, "list"), (INVALID, "another kind of file", "--keys", junk, "list"),
                (NOT_FOUND, "No such file", "--passphrase-file", "/does/not/exist", "list"),
                (NOT_FOUND, "No such file", "verify", "acme", "--secret-file", "/does/not/exist"),
                (INVALID, "Is a directory", "verify", "acme", "--secret-file", folder),
                (INVALID, "holds no secret", "verify", "acme", "--secret-file", "/dev/null"),
                (INVALID, "holds more than", "verify", "acme", "--secret-file", "/dev/zero"),
                (NOT_FOUND, "No such file", "credential", "import", "/does/not/exist", *facts),
                (INVALID, "Is a directory", "credential", "import", folder, *facts),
                (NOT_FOUND, "No such file", "admin", "enroll", "bob", "/does/not/exist"),
                (INVALID, "not the public file", "admin", "enroll", "bob", junk),
                (INVALID, "takes no files: Not a directory", "inbox", "--out", junk),
                (NOT_FOUND, "No such file", "--keys", folder + "/new", "admin", "init", "bob", "--person", "b", "--engine", "/does/not/exist"),
                (INVALID, "another kind of file", "--keys", folder + "/new", "admin", "init", "bob", "--person", "b", "--engine", self.there.keyring),
                (5, "is not replaced", "admin", "init", "alice", "--person", "a", "--engine", self.there.public),
                (5, "is not replaced", "pepper", "init", self.there.keyring, "--deployment", "d")):
            self.assert_refused(status, saying, *arguments)
        self.assertFalse(os.path.exists(folder + "/new"))

    def test_keys_that_others_may_read(self):
        loose = os.path.join(self.alice.folder, "loose.json")
        shutil.copy(self.alice.keys, loose)
        os.chmod(loose, 0o644)
        self.assert_refused(INVALID, "chmod 600", "--keys", loose, "list")

    def test_the_wrong_passphrase(self):
        self.assert_refused(UNAUTHORIZED, "the passphrase is wrong", "list", SHEARLINE_PASSPHRASE="not-the-passphrase")
        done = subprocess.run([os.path.join(BIN, "shearline"), "list"], env={"SHEARLINE_KEYS": self.alice.keys}, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=PATIENCE, start_new_session=True)
        self.assertEqual(done.returncode, UNAUTHORIZED)
        self.assertIn(b"give --passphrase-file or set SHEARLINE_PASSPHRASE", done.stderr)

    # ---- where nobody answers, or somebody else ----

    def test_nobody_there(self):
        self.assert_refused(UNAVAILABLE, "cannot be used", "--redis", "unix:/does/not/exist", "list")
        self.assert_refused(UNAVAILABLE, "no engine listens on other:commands", "--prefix", "other:", "--answer-timeout", "1s", "list")
        self.assert_refused(UNAVAILABLE, "no engine answers", "verify", "acme", "--server", "127.0.0.1:1", "--secret-file", self.file)

    def test_a_secret_is_told_to_no_stranger(self):
        """Redis would repeat it in its answer and keep it in its slow log; it does not come to hear it."""
        redis = self.there.redis.client()
        redis.config_set("slowlog-log-slower-than", 0)
        self.addCleanup(redis.config_set, "slowlog-log-slower-than", 10000)
        self.assert_refused(FAILED, "not the answer of an engine", "verify", "acme", "--server", self.there.redis.address, "--secret-file",
                            self.file)
        self.assertNotIn(self.secret, repr(redis.slowlog_get(1000)).encode())

    # ---- output ----

    def test_an_output_that_takes_nothing_is_no_success(self):
        for arguments in (("list",), ("--json", "list"), ("--help",), ("status", "acme"), ("verify", "acme", "--server", self.tcp,
                                                                                           "--secret-file", self.file)):
            for shell in (">/dev/full", ">&-"):
                done = self.run_plain(*arguments, shell=shell)
                self.assertEqual(done.returncode, FAILED, (arguments, shell))
                self.assertIn(b"standard output did not take all", done.stderr)

    def test_a_reader_of_the_first_lines_hears_no_complaint(self):
        done = self.run_plain("status", "acme", shell="| head -n 0")
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_what_is_printed_goes_into_no_file_or_socket(self):
        """Started with its outputs closed, a process gives their numbers to the next things it opens."""
        for shell in (">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"):
            self.run_plain("status", "acme", shell=shell)
            self.run_plain("status", "nobody", shell=shell)
        other = os.path.join(self.there.folder, "no-stderr")
        os.makedirs(other)
        done = subprocess.Popen(["bash", "-c", 'exec "$0" "$@" <&- >&- 2>&-', os.path.join(BIN, "shearline"), "server", "--config", self.there.config,
                                 "--data", other + "/data", "--listen.resp", "unix:" + other + "/s.sock", "--store.kind", "memory", "--log", "debug"],
                                env=self.there.environment(), stdin=subprocess.DEVNULL)
        wait_for("the server", lambda: os.path.exists(other + "/s.sock") or done.poll() is not None)
        self.assertIsNone(done.poll())
        done.terminate()
        self.assertEqual(done.wait(PATIENCE), 0)
        for root, _, names in os.walk(other):
            for name in names:
                path = os.path.join(root, name)
                if os.path.isfile(path):
                    with open(path, "rb") as content:
                        self.assertNotIn(b"listening protocol", content.read(), path)


if __name__ == "__main__":
    unittest.main(verbosity=2)
