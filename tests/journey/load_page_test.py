"""docs/load-tests.md, run: every command it shows, against a real engine, as somebody would type it, and every option, scenario
and key of its tables. Only what belongs to the reader's machine and patience is put in the place of what the page has: the
server's address, how many credentials, how long, how fast."""

import hashlib
import json
import os
import re
import subprocess
import unittest

from deployment import BIN, PATIENCE, Deployment, wait_for

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
CREDENTIALS = 200
SHORT = "300ms"
RULES = "bootstrap = true\ncommands_per_minute_per_admin = 100000\n"
IN_PLACE_OF = {" 10000 ": " %d " % CREDENTIALS, "--rate 200000": "--rate 20000"}
PAYMENTS = ("--group", "payments", "--owner", "load", "--service", "load", "--environment", "staging", "--tenant", "load",
            "--classification", "internal")


def page():
    with open(os.path.join(ROOT, "docs", "load-tests.md"), encoding="utf-8") as text:
        return text.read()


def commands():
    """One each, continued lines joined, comments gone."""
    for block in re.findall(r"^```sh\n(.*?)^```$", page(), re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            yield re.sub(r"\s+#\s.*$", "", line).strip()


def rows(heading):
    """The cells of the table whose first line begins with this."""
    lines = page().splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("| " + heading))
    for line in lines[begin + 2:]:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in line.strip("|").split("|")]


class Reader(unittest.TestCase):
    """Somebody with an engine, a group called payments, and a shell in which the page's commands have been typed."""

    @classmethod
    def setUpClass(cls):
        cls.there = Deployment(fsync="everysec", rules=RULES)
        cls.addClassCleanup(cls.there.close)
        cls.engine = cls.there.engine().wait_ready()
        cls.there.alice.run("group", "create", "payments", "alice")
        cls.done = []  # (command, how it ended)
        for command in commands():
            if command.startswith("shearline-loadgen run"):
                wait_for("the credentials", cls.all_are_there)
                done = cls.in_shell(command, "--server %s --duration %s" % (cls.engine.address, SHORT))
            else:
                done = cls.in_shell(command)
            cls.done.append((command, done))

    @classmethod
    def all_are_there(cls):
        with open(os.path.join(cls.there.folder, "load.jsonl"), encoding="utf-8") as lines:
            presented = [json.loads(line) for line in lines]
        connection = cls.engine.connect()
        verdicts = connection.call("MVERIFY", *(each[name] for each in presented for name in ("client_id", "secret")))
        connection.close()
        return verdicts == b"c" * CREDENTIALS

    @classmethod
    def in_shell(cls, command, more=""):
        command = " ".join([command, more])
        for theirs, ours in IN_PLACE_OF.items():
            command = command.replace(theirs, ours)
        _, environment = cls.there.alice.command()
        return subprocess.run(["bash", "-c", command], cwd=cls.there.folder, env={**environment, "PATH": BIN + os.pathsep + os.environ["PATH"]},
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=2 * PATIENCE)

    def run_load(self, *options, status=0, server=None):
        command = " ".join(["shearline-loadgen run --server", server or self.engine.address, *options])
        done = self.in_shell(command)
        self.assertEqual(done.returncode, status, "%s\n%s%s" % (command, done.stderr.decode(), done.stdout.decode()))
        return done.stdout.decode(), done.stderr.decode()


class Page(Reader):
    # ---- the commands ----

    def test_every_command_works_in_its_order(self):
        for command, done in self.done:
            with self.subTest(command):
                self.assertEqual(done.returncode, 0, done.stderr.decode() + done.stdout.decode())
                if command.startswith("shearline-loadgen run"):
                    self.assertIn("mismatches  0", done.stdout.decode())
        self.assertEqual([command.split()[1] for command, _ in self.done], ["credentials", "credential", "run", "run"])
        self.assertTrue(os.path.getsize(os.path.join(self.there.folder, "report.html")))

    def test_every_option_it_names_is_one(self):
        spoken = re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```$", "", page(), flags=re.MULTILINE | re.DOTALL))
        options = {option for words in spoken if not words.startswith("shearline ") for option in re.findall(r"--[a-z-]+", words)}
        known = self.in_shell("shearline-loadgen run --help").stdout.decode()
        for option in options:
            with self.subTest(option):
                self.assertRegex(known, r"(?m)^ *%s " % option)
        self.assertGreater(len(options), 8)

    def test_each_kind_of_result_is_written_where_it_says(self):
        files = {"--json-file": "r.json", "--html": "r.html", "--hlog": "r.hlog", "--hgrm": "r.hgrm"}
        named = {option for cells in rows("option") for option in re.findall(r"`(--[a-z-]+)", cells[0])}
        self.assertEqual(named, {"--json", *files})
        out, _ = self.run_load("--credentials load.jsonl --rate 20000 --duration", SHORT, "--json",
                               *("%s %s" % file for file in files.items()))
        report = json.loads(out)
        for name in files.values():
            self.assertTrue(os.path.getsize(os.path.join(self.there.folder, name)), name)
        with open(os.path.join(self.there.folder, "r.json"), encoding="utf-8") as same:
            self.assertEqual(json.load(same), report)
        for told in ("latency_us", "service_us", "verdicts", "error_kinds", "intervals", "generator"):
            self.assertIn(told, report)
        with open(os.path.join(self.there.folder, "r.hlog"), encoding="utf-8") as log:
            text = log.read()
        self.assertIn("[Histogram log format version 1.3]", text)
        self.assertIn("Tag=service,", text)

    def test_the_statuses_mean_what_it_says(self):
        self.in_shell("shearline-loadgen credentials 10 > others.jsonl")
        for status, how in ((0, ("--credentials load.jsonl --count 1000",)), (1, ("--credentials others.jsonl --count 1000",)),
                            (64, ("--credentials load.jsonl --nonsense",)), (65, ("--credentials nothing.jsonl",))):
            with self.subTest(status):
                self.run_load(*how, status=status)
        self.run_load("--credentials load.jsonl", server="unix:" + self.there.folder + "/nobody.sock", status=69)

    # ---- scenarios ----

    def test_every_scenario_it_names_is_built_in_and_a_start_for_ones_own(self):
        listed = self.in_shell("shearline-loadgen scenarios").stdout.decode()
        self.assertIn("mixed", listed)
        done = self.in_shell("shearline-loadgen scenarios mixed > own.toml")
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        out, _ = self.run_load("--credentials load.jsonl --scenario own.toml --rate 5000 --duration", SHORT, "--json")
        self.assertTrue(json.loads(out)["clean"])

    def test_every_key_of_a_scenario_is_known(self):
        scenario = {
            "about": '"all keys"', "duration": '"%s"' % SHORT, "rate": "5000", "arrivals": '"constant"', "threads": "1",
            "connections": "2", "pipeline": "8", "wrong_share": "0.2", "unknown_share": "0.1", "on_loss": '"reconnect"',
            "frames_per_connection": "500",
        }
        tables = '[[frames]]\ncommand = "MVERIFY"\nbatch = 16\nshare = 1\n[slow_readers]\nconnections = 1\nbytes_per_s = 0\n' \
                 "[garbage]\nconnections = 1\n[[during]]\nrun = 'true'\nevery = \"100ms\"\nparallel = 1\nlearn = false\n"
        named = {key for cells in rows("key") for key in re.findall(r"`\[*([a-z_]+)\]*`", cells[0])}
        self.assertEqual(named, {*scenario, "count", "frames", "slow_readers", "garbage", "during"})
        self.there.write("all.toml", "".join("%s = %s\n" % pair for pair in scenario.items()) + tables)
        out, _ = self.run_load("--credentials load.jsonl --scenario all.toml --json")
        report = json.loads(out)
        self.assertTrue(report["clean"], report)
        self.assertGreater(report["garbage"]["pieces"], 0)
        self.there.write("counted.toml", "count = 1234\n")
        self.assertEqual(json.loads(self.run_load("--credentials load.jsonl --scenario counted.toml --json")[0])["checks"], 1234)

    def test_the_faults_of_a_bad_file_are_told_together_with_their_lines(self):
        self.there.write("bad.toml", 'durations = "1s"\n\nrate = -5\n')
        _, said = self.run_load("--generated 1 --scenario bad.toml", status=65)
        self.assertIn("bad.toml:1", said)
        self.assertIn("bad.toml:3", said)


class RotationStorm(Reader):
    def test_the_rotation_storm_checks_old_and_new_secrets(self):
        out, _ = self.run_load("--credentials load.jsonl --scenario rotation-storm --rate 5000 --duration 3s --json")
        report = json.loads(out)
        self.assertGreater(report["rotated"]["learnt"], 0, report)
        self.assertGreater(report["rotated"]["new"]["current"], 0, report)
        self.assertEqual((report["rotated"]["mismatches"], report["clean"]), (0, True), report)


class WithLogin(unittest.TestCase):
    """`--auth-file`, where the listener wants it."""

    def test_only_who_names_a_gateway_and_its_token_may_ask(self):
        token = "a-token-for-the-load"
        with Deployment(fsync="everysec") as there:
            with open(there.config, "a", encoding="utf-8") as config:
                config.write('\n[[gateway]]\nname = "load"\ntoken_sha256 = "%s"\n' % hashlib.sha256(token.encode()).hexdigest())
            engine = there.engine(login=("load", token)).wait_ready()
            right, wrong = there.write("load.auth", "load %s\n" % token), there.write("wrong.auth", "load not-%s\n" % token)

            def run(*options):
                return subprocess.run([os.path.join(BIN, "shearline-loadgen"), "run", "--server", engine.address, "--generated", "20",
                                       "--wrong-share", "1", "--count", "5000", "--connections", "5", "--json", *options],
                                      capture_output=True, timeout=PATIENCE)
            done = run("--auth-file", right)
            report = json.loads(done.stdout)
            self.assertEqual(done.returncode, 0, report)
            self.assertEqual((report["checks"], report["verdicts"]["rejected"], report["clean"]), (5000, 5000, True))
            refused = run("--auth-file", wrong)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("AUTH was refused: -WRONGPASS", json.loads(refused.stdout)["failure"])
            silent = json.loads(run().stdout)
            self.assertFalse(silent["clean"])
            self.assertEqual((silent["verdicts"]["current"], silent["verdicts"]["rejected"]), (0, 0))
            self.assertTrue(any("NOAUTH" in kind for kind in silent["error_kinds"]), silent)
            for done in (done, refused):
                self.assertNotIn(token, (done.stdout + done.stderr).decode())


if __name__ == "__main__":
    unittest.main(verbosity=2)
