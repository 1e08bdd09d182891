"""Every built-in scenario of shearline-loadgen, small, against a real engine on a real Redis, and what each is there to show.
The verdicts of the load are held against what the secrets deserve by the generator itself: a clean report is a promise
kept to everybody who behaves, whatever goes on beside them."""

import json
import os
import signal
import subprocess
import unittest

from deployment import BIN, PATIENCE, Deployment, wait_for

CLIENTS = 200
ROTATIONS = 40
SLOW_READERS = 4
FACTS = ("--group", "integrators", "--owner", "load", "--service", "load", "--environment", "staging", "--tenant", "load",
         "--classification", "internal")
LOADGEN = os.path.join(BIN, "shearline-loadgen")


class Scenarios(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.there = Deployment(rules="bootstrap = true\ncommands_per_minute_per_admin = 100000\n")
        cls.addClassCleanup(cls.there.close)
        cls.engine = cls.there.engine(extra=("--workers", "2")).wait_ready()
        cls.alice = cls.there.alice
        cls.alice.run("group", "create", "integrators", "alice")
        lines = subprocess.run([LOADGEN, "credentials", str(CLIENTS)], capture_output=True, check=True, text=True).stdout
        cls.credentials = cls.there.write("load.jsonl", lines)
        cls.alice.run("credential", "import", cls.credentials, *FACTS)
        last = json.loads(lines.splitlines()[-1])
        wait_for("the last of the clients", lambda: cls.engine.verify(last["client_id"], last["secret"]) == "current")

    @classmethod
    def tearDownClass(cls):
        assert cls.engine.stop() == 0, cls.engine.said()

    def start(self, name, *options, server=None):
        """As an admin runs it who has the programs on the path."""
        environment = self.alice.environment(self.there.redis.address)
        environment["PATH"] = BIN + os.pathsep + environment["PATH"]
        child = subprocess.Popen(
            [LOADGEN, "run", "--scenario", name, "--server", server or self.engine.address, "--credentials", self.credentials,
             "--json", *map(str, options)],
            cwd=self.there.folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(lambda: (child.kill(), child.communicate()) if child.poll() is None else None)
        return child

    def report_of(self, child, status=0):
        out, said = child.communicate(timeout=4 * PATIENCE)
        self.assertEqual(child.returncode, status, out[-4000:] + said[-2000:])
        report = json.loads(out)
        self.assertEqual((report["mismatches"], report["errors"], report["unanswered_frames"], report["failure"]),
                         (0, 0, 0, None), out[-4000:])
        return report

    def run_it(self, name, *options):
        """A clean run."""
        report = self.report_of(self.start(name, *options))
        self.assertTrue(report["clean"])
        self.assertEqual(report["scenario"], name)
        return report

    def interrupted(self, child):
        """A clean run until here."""
        child.send_signal(signal.SIGINT)
        return self.report_of(child, status=130)

    def counted(self, name):
        return int(self.engine.info()[name])

    def check_shares(self, report, wrong):
        """So many of the checks were rejected, and all others found right."""
        self.assertEqual(sum(report["verdicts"].values()), report["checks"])
        self.assertEqual(report["verdicts"]["current"] + report["verdicts"]["grace"] + report["verdicts"]["rejected"],
                         report["checks"])
        self.assertAlmostEqual(report["verdicts"]["rejected"] / report["checks"], wrong, delta=wrong / 2)

    def test_all_of_them_are_run_here(self):
        listed = subprocess.run([LOADGEN, "scenarios"], capture_output=True, check=True, text=True).stdout
        ours = [name[len("test_"):].replace("_", "-") for name in dir(self) if name.startswith("test_")]
        for line in listed.splitlines():
            self.assertIn(line.split()[0], ours)

    def test_bulk(self):
        before = self.counted("shearline_checks")
        report = self.run_it("bulk", "--count", 50_000)
        self.assertEqual(report["checks"], 50_000)
        self.assertGreaterEqual(self.counted("shearline_checks") - before, 50_000)
        self.check_shares(report, wrong=0.1)

    def test_single(self):
        report = self.run_it("single", "--count", 5_000)
        self.assertEqual((report["checks"], report["frames"]), (5_000, 5_000))
        self.check_shares(report, wrong=0.1)

    def test_mixed(self):
        report = self.run_it("mixed", "--count", 10_000, "--rate", 5_000)
        self.assertEqual(report["checks"], 10_000)
        self.assertIn("own_delay_us", report["generator"])
        self.check_shares(report, wrong=0.1)  # half of them unknown

    def test_reconnect_storm(self):
        before = self.counted("total_connections_received")
        report = self.run_it("reconnect-storm", "--count", 2_000, "--connections", 16)
        self.assertEqual(report["checks"], 2_000)
        self.assertGreaterEqual(report["connects"], 2_000 - 16)  # the first of each were made before the run
        self.assertGreaterEqual(self.counted("total_connections_received") - before, 2_000)
        self.assertEqual(report["lost_connections"], {})

    def test_garbage(self):
        before = self.counted("shearline_protocol_errors")
        report = self.run_it("garbage", "--duration", "3s", "--rate", 2_000)
        garbage = report["garbage"]
        self.assertGreater(garbage["refused"], 0)
        self.assertGreater(self.counted("shearline_protocol_errors") - before, 0)
        self.assertGreater(report["checks"], 0)

    def test_slow_readers(self):
        """They are cut off, which takes the server's whole patience with them: until then, and then, the others are served."""
        before = self.counted("shearline_slow_readers_closed")
        bounded = self.resident_bytes()
        child = self.start("slow-readers", "--duration", "1h", "--rate", 2_000)
        wait_for("the slow readers to be cut off",
                 lambda: self.counted("shearline_slow_readers_closed") - before >= SLOW_READERS or child.poll() is not None,
                 patience=120 + 2 * PATIENCE)
        grown = self.resident_bytes() - bounded
        report = self.interrupted(child)
        self.assertGreater(report["slow_readers"]["cut_off"], 0)
        self.assertGreater(report["checks"], 0)
        self.assertLess(grown, 64 << 20, "what is kept for those who do not read has a bound")

    def resident_bytes(self):
        with open("/proc/%d/statm" % self.engine.child.pid, encoding="ascii") as numbers:
            return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def test_rotation_storm(self):
        child = self.start("rotation-storm", "--duration", "1h", "--rate", 2_000)
        folder = os.path.join(self.there.folder, "rotation-storm.secrets")
        wait_for("secrets to arrive", lambda: child.poll() is not None or (os.path.isdir(folder) and len(os.listdir(folder)) >= ROTATIONS),
                 patience=4 * PATIENCE)
        wait_for("rotations to be promoted", lambda: child.poll() is not None or self.promoted() >= ROTATIONS, patience=2 * PATIENCE)
        report = self.interrupted(child)
        inbox, rotating = report["during"]
        self.assertEqual((inbox["failures"], rotating["failures"]), ({}, {}))
        self.assertGreaterEqual(rotating["clients"], ROTATIONS)
        rotated = report["rotated"]
        self.assertGreaterEqual(rotated["learnt"], ROTATIONS // 2, "a line that the inbox wrote last may not have been read")
        self.assertEqual(rotated["mismatches"], 0)
        self.assertGreater(rotated["new"]["current"], 0, "clients present the new secrets")
        self.assertGreater(rotated["old"]["grace"], 0, "and the old ones are good until their grace ends")
        self.assertEqual(rotated["old"]["rejected"], 0)
        self.assertGreater(report["verdicts"]["current"], 0)

    def promoted(self):
        return sum(entry["event"]["type"] == "rotation.promoted" for entry in self.engine.audit())


if __name__ == "__main__":
    unittest.main(verbosity=2)
