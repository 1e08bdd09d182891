"""Bringing in what exists: a file of secrets is imported, interrupted in the middle on either side, repeated, and then every
one of them is checked under load with not one wrong verdict. A file with faults in it disturbs nobody."""

import json
import os
import subprocess
import unittest

from deployment import BIN, PATIENCE, Deployment, wait_for
from undisturbed import Undisturbed

CREDENTIALS = 500
FACTS = ("--group", "integrators", "--owner", "acme", "--service", "billing", "--environment", "staging", "--tenant", "acme",
         "--classification", "internal")


class Import(unittest.TestCase):
    def setUp(self):
        self.there = Deployment(fsync="everysec")
        self.addCleanup(self.there.close)
        self.engine = self.there.engine().wait_ready()
        self.alice = self.there.alice
        self.alice.run("group", "create", "integrators", "alice")
        made = subprocess.run([os.path.join(BIN, "shearline-loadgen"), "credentials", str(CREDENTIALS)], capture_output=True,
                              check=True, timeout=PATIENCE).stdout.decode()
        self.file = self.there.write("load.jsonl", made)
        self.redis = self.there.redis.client()

    def imported(self):
        """How many are in the store."""
        return sum(sum(field.startswith(b"credential:") for field in self.redis.hkeys(key)) for key in self.redis.keys("shearline:*:records"))

    def start_import(self):
        return self.alice.start("--answer-timeout", "60s", "credential", "import", self.file, *FACTS)

    def check_all(self):
        wait_for("all of them in the table", lambda: self.load("--count", str(CREDENTIALS), "--wrong-share", "0")["mismatches"] == 0)
        report = self.load("--count", "200000", "--wrong-share", "0.2", "--connections", "8", "--mode", "mverify", "--batch", "100")
        self.assertTrue(report["clean"], report)
        self.assertGreater(report["verdicts"]["rejected"], 20000)
        self.assertGreater(report["verdicts"]["current"], 100000)
        report = self.load("--count", "20000", "--wrong-share", "0.2", "--mode", "verify", "--pipeline", "64")
        self.assertTrue(report["clean"], report)

    def load(self, *options):
        done = subprocess.run([os.path.join(BIN, "shearline-loadgen"), "run", "--credentials", self.file, "--server", self.engine.address,
                               "--json", *options], capture_output=True, timeout=PATIENCE)
        return json.loads(done.stdout)

    def test_an_import_whose_sender_is_killed_is_repeated(self):
        importing = self.start_import()
        wait_for("a part of it", lambda: self.imported() >= 20)
        importing.kill()
        importing.communicate()
        status, lines, said = self.alice.hear("credential", "import", self.file, *FACTS)
        summary = lines[-1]
        self.assertTrue(summary["complete"], said)
        self.assertEqual(summary["imported"] + summary["existing"], CREDENTIALS, summary)
        self.assertGreaterEqual(summary["existing"], 20)
        self.assertEqual((summary["refused"], summary["bad_lines"]), (0, 0))
        self.assertEqual(status, 12 if summary["imported"] else 5)
        self.assertEqual(self.imported(), CREDENTIALS)
        self.check_all()
        status, lines, _ = self.alice.hear("credential", "import", self.file, *FACTS)
        self.assertEqual((status, lines[-1]["existing"]), (5, CREDENTIALS), "once more changes nothing and says so")
        self.check_all()

    def test_an_import_whose_engine_is_killed_goes_on_with_the_next(self):
        importing = self.start_import()
        wait_for("a part of it", lambda: self.imported() >= 20)
        self.engine.kill()
        self.assertLess(self.imported(), CREDENTIALS)
        self.engine = self.there.engine().wait_ready()
        out, said = importing.communicate(timeout=2 * PATIENCE)
        summary = json.loads(out.decode().splitlines()[-1])
        self.assertEqual((importing.returncode, summary["imported"]), (0, CREDENTIALS), said.decode())
        self.assertEqual(self.imported(), CREDENTIALS)
        self.check_all()

        def imports():
            return [entry["event"]["subject"] for entry in self.engine.audit() if entry["event"]["type"] == "credential.imported"]
        wait_for("each on record", lambda: len(imports()) >= CREDENTIALS)
        self.assertEqual(len(imports()), len(set(imports())), "none twice")


    def test_many_are_rotated_by_one_command(self):
        self.alice.run("credential", "import", self.file, *FACTS)
        with open(self.file, encoding="utf-8") as lines:
            ids = [json.loads(line)["client_id"] for line in lines][:12]
        listed = self.there.write("ids", "\n".join(ids[:6] + ["", "no id", "x" * 1000, "nobody\r"] + ids[6:]))  # no last line feed
        status, lines, said = self.alice.hear("rotate", "--clients", listed, "--reason", "found in a public repository")
        self.assertEqual(status, 8, said)
        taken = [line for line in lines if line["status"] != "failed"]
        self.assertEqual([line["detail"] for line in lines if line["status"] == "failed"],
                         ["line 8 is not an id", "line 9 is not an id"])
        self.assertEqual(len(taken), len(ids) + 1)
        self.assertEqual([line.get("code") for line in taken if line["status"] == "rejected"], ["not_found"])
        for client_id in ids:
            self.assertTrue(self.alice.status(client_id)["result"]["rotation"]["rotation_id"])
        status, lines, _ = self.alice.hear("rotate", "--clients", "-", stdin=b"\n\n")
        self.assertEqual((status, lines[-1]["detail"]), (8, "--clients: -: no client ids in it"))
        self.assertEqual(self.alice.hear("rotate", "--clients", listed + ".not")[0], 6)


class BadLines(Undisturbed):
    GOOD = "a-good-secret-of-a-legacy-client-%d"
    WEAK = "short-but-16-byt"
    OWN = "sl_own.003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf"

    def secrets_known(self):
        return super().secrets_known() | {text.encode() for text in [self.GOOD % number for number in range(1, 8)] + [self.WEAK, self.OWN]}

    def test_lines_that_cannot_be_imported_are_named_and_harm_no_other(self):
        there = Deployment()
        self.addCleanup(there.close)
        engine = there.engine().wait_ready()
        there.alice.run("group", "create", "integrators", "alice")
        there.alice.create("acme")
        _, secret = there.alice.receive()
        wait_for("the secret", lambda: engine.verify("acme", secret) == "current")
        good = self.GOOD
        lines = ['{"client_id":"good-1","secret":"%s"}' % (good % 1), "no json at all", '{"client_id":"a b","secret":"%s"}' % (good % 2),
                 '{"client_id":"no-secret"}', '{"client_id":"empty","secret":""}', '{"client_id":"weak","secret":"%s"}' % self.WEAK,
                 '{"client_id":"long","secret":"%s"}' % ("x" * 513), '{"client_id":"good-1","secret":"%s"}' % (good % 3),
                 '{"client_id":"two","secret":"%s","secret":"%s"}' % (good % 4, good % 5), '{"client_id":"half","secret":"%s' % (good % 6),
                 '{"client_id":"own","secret":"%s"}' % self.OWN, "", '{"client_id":"acme","secret":"%s"}' % (good % 2),
                 '{"client_id":"good-2","secret":"%s"}' % (good % 7)]
        path = there.write("bad.jsonl", "\n".join(lines) + "\n")
        there.secret_files.add(path)
        self.watch(there, engine, "acme", secret)
        self.asked_for("credential:good-1", "credential:good-2", "credential:own")  # a key of our own form is as good as any

        status, told, said = there.alice.hear("credential", "import", path, *FACTS)
        self.heard.append(json.dumps(told).encode() + said.encode())
        self.assertEqual(status, 12)
        summary = told[-1]
        self.assertEqual(sum(summary[part] for part in ("imported", "existing", "refused", "bad_lines")), len(lines) - 1, told)
        self.assertEqual({line["line"] for line in told if line["event"] == "bad_line"} & {1, len(lines)}, set())
        for number, text in ((1, good % 1), (2, good % 7)):
            wait_for("good-%d" % number, lambda: engine.verify("good-%d" % number, text) == "current")
        self.assertEqual(engine.verify("acme", good % 2), "rejected", "who is there already keeps the secret they have")


if __name__ == "__main__":
    unittest.main(verbosity=2)
