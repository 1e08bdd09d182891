"""The program shearline-loadgen against a small server of this test's own: what it writes is read by those it is written
for (HdrHistogram's tools, a browser's parser), and what goes wrong in the middle of a run is told and survived."""

import glob
import html.parser
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import xml.etree.ElementTree

LOADGEN = os.path.join(os.environ["SHEARLINE_BIN"], "shearline-loadgen")
HERE = os.path.dirname(os.path.abspath(__file__))
PATIENCE = int(os.environ.get("SHEARLINE_PATIENCE", "60"))


class Server:
    """Answers each check with `current`. `close_after`: ends the connection that sends frame number so many."""

    def __init__(self, folder, close_after=None, on_frame=lambda count: None):
        self.path = os.path.join(folder, "server.sock")
        self.close_after = close_after
        self.on_frame = on_frame
        self.frames = 0
        self.lock = threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            try:
                while head := stream.readline():
                    items = []
                    for _ in range(int(head[1:])):
                        length = int(stream.readline()[1:])
                        items.append(stream.read(length + 2)[:-2])
                    with self.lock:
                        self.frames += 1
                        count = self.frames
                    self.on_frame(count)
                    if count == self.close_after:
                        return
                    verdicts = b"c" * (len(items) // 2)
                    connection.sendall(b"+current\r\n" if items[0] == b"VERIFY" else b"$%d\r\n%s\r\n" % (len(verdicts), verdicts))
            except (OSError, ValueError):
                return

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        os.unlink(self.path)


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="loadgen-")
        self.addCleanup(shutil.rmtree, self.folder)

    def serve(self, **how):
        server = Server(self.folder, **how)
        self.addCleanup(server.close)
        return server

    def file(self, name):
        return os.path.join(self.folder, name)

    def command(self, *options, server=None):
        address = "unix:" + (server.path if server else self.file("server.sock"))
        return [LOADGEN, "run", "--generated", "50", "--wrong-share", "0", "--server", address, *options]

    def run_it(self, *options, status=0):
        done = subprocess.run(self.command(*options), capture_output=True, timeout=PATIENCE, cwd=self.folder)
        self.assertEqual(done.returncode, status, done.stderr.decode() + done.stdout.decode())
        return done.stdout.decode(), done.stderr.decode()

    def open_loop(self, *options):
        return self.run_it("--rate", "20000", "--batch", "10", "--count", "8000", "--json-file", self.file("run.json"), *options)

    def report(self):
        with open(self.file("run.json"), encoding="utf-8") as text:
            return json.load(text)

    def test_the_interval_log_says_the_same_to_a_tool_that_reads_such_logs(self):
        if not os.environ.get("NODE_PATH"):
            self.assertFalse(os.environ.get("SHEARLINE_REQUIRE_PEERS"), "NODE_PATH names no folder with hdr-histogram-js")
            self.skipTest("NODE_PATH names no folder with hdr-histogram-js; scripts/test installs it and names it")
        self.assertTrue(shutil.which("node"), "node is missing")
        self.serve()
        self.open_loop("--hlog", self.file("run.hlog"), "--hgrm", self.file("run.hgrm"))
        decoded = subprocess.run(["node", os.path.join(HERE, "decode_hdr.js"), self.file("run.hlog"), self.file("run.hgrm")],
                                 capture_output=True, timeout=PATIENCE)
        self.assertEqual(decoded.returncode, 0, decoded.stderr.decode())
        read, report = json.loads(decoded.stdout), self.report()
        self.assertEqual(read["intervals"][""], len([point for point in report["intervals"] if point["frames"]]))
        for name, ours in (("latency", report["latency_us"]), ("service", report["service_us"])):
            theirs = read[name]
            self.assertEqual(theirs["count"], report["frames"])
            for key in ("p50", "p90", "p99", "p99.9", "p99.99", "max", "min"):
                self.assertAlmostEqual(theirs[key] / 1000, ours[key], delta=ours[key] * 0.0011, msg="%s %s" % (name, key))
            self.assertAlmostEqual(theirs["mean"] / 1000, ours["mean"], delta=ours["mean"] * 0.0011)
        rows = read["distribution"]
        self.assertEqual(rows[-1]["count"], report["frames"])
        self.assertEqual(rows[-1]["percentile"], 1)
        for percentile, key in ((0.5, "p50"), (0.9, "p90"), (0.99, "p99")):
            row = next(each for each in rows if each["percentile"] >= percentile)
            self.assertGreaterEqual(row["ms"] * 1000, report["latency_us"][key] * 0.999)

    def test_the_page_is_well_formed_needs_nothing_else_and_holds_the_figures(self):
        self.serve()
        with open(self.file("s.toml"), "w", encoding="utf-8") as scenario:
            scenario.write('about = "<b>bold</b> & \\"quoted\\" \\u00fc \\u0001"\n')
        self.open_loop("--scenario", self.file("s.toml"), "--html", self.file("run.html"))
        with open(self.file("run.html"), encoding="utf-8") as text:
            page = text.read()
        html.parser.HTMLParser().feed(page)
        root = xml.etree.ElementTree.fromstring(page.split("\n", 1)[1])
        ours = "{http://www.w3.org/1999/xhtml}"
        svg = "{http://www.w3.org/2000/svg}"
        words = " ".join(" ".join(root.itertext()).split())
        self.assertIn('<b>bold</b> & "quoted" ü ?', words)
        self.assertEqual(root.findall(".//%sb" % ours)[1].text, "8,000")
        self.assertEqual(len(root.findall(".//%ssvg" % svg)), 3)
        report = self.report()
        for element in root.iter(svg + "path"):
            self.assertNotRegex(element.get("d"), "nan|inf")
            self.assertRegex(element.get("d"), r"^M[0-9.]+,[0-9.]+(L[0-9.]+,[0-9.]+)+Z?$")
        rows = (" ".join(row.itertext()).strip() for row in root.iter(ours + "tr"))
        numbers = dict(match.groups() for match in (re.match(r"(p50|p99|max) ([0-9.]+ [a-z]+)", row) for row in rows) if match)
        units = {"ns": 0.001, "us": 1, "ms": 1000, "s": 1000000}
        for key, text in numbers.items():
            value, unit = text.split()
            self.assertAlmostEqual(float(value) * units[unit], report["latency_us"][key], delta=report["latency_us"][key] * 0.02 + 0.1)
        self.assertEqual(set(numbers), {"p50", "p99", "max"})
        for attribute in ("src=", "href=", "url(", "<script", "@import"):
            self.assertNotIn(attribute, page)

    def test_control_c_ends_the_run_with_the_report_of_what_was_measured(self):
        enough = threading.Event()
        self.serve(on_frame=lambda count: enough.set() if count >= 50 else None)
        running = subprocess.Popen(self.command("--duration", "10m", "--json", "--html", self.file("run.html")),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertTrue(enough.wait(PATIENCE))
        running.send_signal(signal.SIGINT)
        out, _ = running.communicate(timeout=PATIENCE)
        report = json.loads(out)
        self.assertEqual(running.returncode, 130)
        self.assertTrue(report["interrupted"])
        self.assertGreater(report["checks"], 0)
        self.assertEqual(report["unanswered_frames"], 0)
        self.assertTrue(os.path.getsize(self.file("run.html")))

    def test_a_server_that_goes_away_is_one_clear_line_and_a_status(self):
        self.serve(close_after=100)
        out, _ = self.run_it("--duration", "10m", status=1)
        self.assertRegex(out, r"(?m)^failed +a connection ended early: closed by the server$")
        self.assertRegex(out, r"(?m)^lost +connections: 1 x closed by the server$")
        self.assertRegex(out, r"(?m)^unanswered +[0-9]+ frames$")

    def test_nobody_there_is_said_at_once(self):
        _, said = self.run_it("--duration", "10m", status=69)
        self.assertEqual(len(said.splitlines()), 1, said)
        self.assertIn("No such file or directory", said)

    def test_commands_run_during_the_load_and_what_they_tell_is_checked(self):
        self.serve()
        with open(self.file("s.toml"), "w", encoding="utf-8") as scenario:
            scenario.write("""duration = "700ms"
rate = 1000
[[during]]
run = 'echo "not json"; echo "{\\"client_id\\":\\"$CLIENT_ID\\",\\"secret\\":\\"brand-$((40 + 2))\\"}"'
learn = true
parallel = 2
[[during]]
run = 'echo "first hush" >&2; echo "the reason" >&2; exit 3'
every = "10s"
[[during]]
run = 'sleep 1000'
""")
        out, _ = self.run_it("--scenario", self.file("s.toml"), "--json", status=1)
        report = json.loads(out)
        learning, failing, lasting = report["during"]
        self.assertEqual(learning["failed"], 0)
        self.assertLessEqual(learning["started"], 50)
        self.assertGreater(report["rotated"]["learnt"], 0)
        self.assertGreater(report["rotated"]["checks"], 0)
        self.assertEqual(report["rotated"]["mismatches"], 0)
        self.assertEqual(failing["failures"], {"status 3": {"count": 1, "first": "the reason"}})
        self.assertEqual((lasting["started"], lasting["ended_at_the_end"]), (1, 1))
        self.assertNotIn("brand-42", out)

    def test_one_command_is_dealt_many_clients(self):
        self.serve()
        with open(self.file("s.toml"), "w", encoding="utf-8") as scenario:
            scenario.write("""duration = "1h"
rate = 1000
[[during]]
run = 'while read -r id; do echo "$id" >> dealt; done < "$CLIENT_IDS"; touch "ended.$$"'
parallel = 3
""")
        child = subprocess.Popen(self.command("--scenario", self.file("s.toml"), "--json"), cwd=self.folder,
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.kill)
        patience = time.monotonic() + PATIENCE
        while len(glob.glob(self.file("ended.*"))) < 3 and time.monotonic() < patience:
            self.assertIsNone(child.poll())
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=PATIENCE)
        (dealing,) = json.loads(out)["during"]
        self.assertEqual((dealing["started"], dealing["failed"], dealing["clients"]), (3, 0, 50))
        with open(self.file("dealt"), encoding="utf-8") as dealt:
            ids = dealt.read().split()
        self.assertEqual(len(ids), 50)
        self.assertEqual(len(set(ids)), 50, "each went to one of them")


if __name__ == "__main__":
    unittest.main(verbosity=2)
