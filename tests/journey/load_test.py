"""Many connections, connections that come and go, garbage and hopeless batches beside full load, and nothing at all: what it
costs, and that a well-behaved gateway is served all the while. Small sizes here; SHEARLINE_LOAD=full takes the sizes of the
design (10,000 idle connections, 50,000 that come and go) and prints what was measured. Time decides nothing."""

import contextlib
import json
import os
import random
import resource
import socket
import subprocess
import sys
import threading
import time
import unittest

from deployment import BIN, PATIENCE, Deployment, Resp, free_port, wait_for
from undisturbed import Undisturbed

FULL = os.environ.get("SHEARLINE_LOAD") == "full"
IDLE = 10_000 if FULL else 1_000
COMING_AND_GOING = 50_000 if FULL else 2_000
LOADED_S = 30 if FULL else 2
BATCHES = 500 if FULL else 20
BYTES_EACH_MAX = 100_000_000 // 10_000  # P10
LEFT_OF_A_STORM_MAX = 1_000_000  # bytes, after thrice as many connections as were there before
RENEWALS = 20 if FULL else 6


def report(text):
    print(text, file=sys.stderr)


class OnOneBackend:
    """An engine with two workers, and a client with its secret; nothing is left open when its tests are over."""

    backend = ""

    @classmethod
    def setUpClass(cls):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        cls.addClassCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        cls.there = Deployment()
        cls.addClassCleanup(cls.there.close)
        cls.tcp = "127.0.0.1:%d" % free_port()
        cls.engine = cls.there.engine(extra=("--backend", cls.backend, "--workers", "2", "--listen.resp", cls.tcp,
                                             "--listen.connections_max", "12000")).wait_ready()
        alice = cls.there.alice
        alice.run("group", "create", "integrators", "alice")
        alice.create("acme")
        _, secret = alice.receive()
        cls.secret = secret.decode()
        wait_for("the first secret", lambda: cls.engine.verify("acme", cls.secret) == "current")
        cls.file = cls.there.write("acme.jsonl", '{"client_id":"acme","secret":"%s"}\n' % cls.secret)
        cls.there.secret_files.add(cls.file)

    @classmethod
    def tearDownClass(cls):
        assert cls.engine.stop() == 0, cls.engine.said()

    def connect(self):
        host, port = self.tcp.split(":")
        raw = socket.create_connection((host, int(port)), 30)
        self.addCleanup(raw.close)
        return raw

    def clients_there(self):
        return int(self.engine.info()["connected_clients"])


class Load(OnOneBackend, Undisturbed):
    """What comes in masses, beside a well-behaved gateway; each backend runs all of it."""

    def setUp(self):
        super().setUp()
        self.watch(self.there, self.engine, "acme", self.secret)

    def resident_bytes(self):
        with open("/proc/%d/statm" % self.engine.child.pid, encoding="ascii") as numbers:
            return int(numbers.read().split()[1]) * resource.getpagesize()

    def test_idle_connections_cost_little_and_are_served(self):
        before = self.resident_bytes()
        idle = [self.connect() for _ in range(IDLE)]
        for raw in idle:
            raw.sendall(Resp.frame("PING"))
        for raw in idle:
            self.assertEqual(raw.recv(100), b"+PONG\r\n")
        self.assertGreaterEqual(self.clients_there(), IDLE)
        grown = self.resident_bytes() - before
        report("%s: %d idle connections: %.1f MB, %.1f kB each" % (self.backend, IDLE, grown / 1e6, grown / IDLE / 1e3))
        self.assertLess(grown, IDLE * BYTES_EACH_MAX)
        for raw in idle[::100]:
            raw.sendall(Resp.frame("VERIFY", "acme", self.secret))
            self.assertEqual(raw.recv(100), b"+current\r\n")
        for raw in idle:
            raw.close()
        wait_for("all to be gone", lambda: self.clients_there() < 10)

    def test_connections_that_come_and_go(self):
        host, port = self.tcp.split(":")
        verify = Resp.frame("VERIFY", "acme", self.secret)
        began = time.monotonic()
        for each in range(COMING_AND_GOING):
            with socket.create_connection((host, int(port)), 30) as raw:
                if each % 3 == 0:
                    continue  # says nothing at all
                raw.sendall(verify)
                self.assertEqual(raw.recv(100), b"+current\r\n")
        report("%s: %.0f connections a second came and went" % (self.backend, COMING_AND_GOING / (time.monotonic() - began)))
        wait_for("all to be gone", lambda: self.clients_there() < 10)

    def descriptors(self):
        """All but Unix sockets: the engine's links to Redis, which on a busy machine are lost and opened anew meanwhile."""
        with open("/proc/net/unix", encoding="utf-8", errors="replace") as sockets:
            unix = {"socket:[%s]" % line.split()[6] for line in sockets.readlines()[1:]}
        folder = "/proc/%d/fd" % self.engine.child.pid
        count = 0
        for name in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):  # closed since it was listed
                count += os.readlink(os.path.join(folder, name)) not in unix
        return count

    def begin_load(self, *options):
        """A run of the load generator, until end_load()."""
        run = subprocess.Popen([os.path.join(BIN, "shearline-loadgen"), "run", "--credentials", self.file, "--server", self.tcp, "--json",
                                *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(run.kill)
        return run

    def end_load(self, run):
        """Its report; every verdict was right."""
        said, complaints = run.communicate(timeout=2 * PATIENCE)
        self.assertEqual(run.returncode, 0, (complaints + said).decode())
        return json.loads(said)

    def load(self, *options):
        return self.end_load(self.begin_load(*options))

    def storm(self):
        """Each connection asks once, goes and comes back: connections a second, after all of them are gone."""
        report = self.load("--scenario", "reconnect-storm", "--count", str(COMING_AND_GOING))
        self.assertEqual((report["checks"], report["mismatches"], report["unanswered_frames"]), (COMING_AND_GOING, 0, 0))
        self.assertGreater(report["verdicts"]["rejected"], 0)
        self.assertGreaterEqual(report["connects"], COMING_AND_GOING - report["connections"])
        wait_for("all to be gone", lambda: self.clients_there() < 10)
        return report["connects"] / report["elapsed_s"]

    def test_a_storm_of_reconnects_leaves_nothing_behind(self):
        self.storm()  # what the engine needs for so many at once, it keeps
        descriptors, memory = self.descriptors(), self.resident_bytes()
        report("%s: %.0f connections a second asked once" % (self.backend, max(self.storm() for _ in range(3))))
        wait_for("their descriptors to be closed", lambda: self.descriptors() <= descriptors)
        self.assertLess(self.resident_bytes() - memory, LEFT_OF_A_STORM_MAX)

    def batches(self, connection, pair, verdict):
        frame = Resp.frame("MVERIFY", *pair * 4096)
        for _ in range(BATCHES):
            connection.send(frame)
            heard = connection.reply()
            if heard != verdict * 4096:
                self.wrong.append((pair[0], heard[:20]))
        connection.close()

    def test_garbage_and_hopeless_batches_beside_full_load(self):
        """All wrong, all unknown, all malformed, all the same hot credential; noise and clients that never read beside them."""
        self.wrong = []
        kinds = ((("acme", self.secret), b"c"), (("acme", "wrong-" + self.secret[:20]), b"r"), (("nobody", self.secret), b"r"),
                 (("", self.secret), b"m"))
        loads = [threading.Thread(target=self.batches, args=(Resp(self.tcp, timeout=60), pair, verdict)) for pair, verdict in kinds]
        deaf = self.connect()
        deaf.setblocking(False)
        for load in loads:
            load.start()
        noise = random.Random(11)
        told = 0
        while any(load.is_alive() for load in loads):
            raw = self.connect()
            try:
                raw.sendall(noise.choice((b"", b"*", b"*3\r\n", b"*3\r\n$6\r\nVERIFY\r\n")) + noise.randbytes(noise.randrange(1, 3000)))
                raw.shutdown(socket.SHUT_WR)
                told += raw.recv(100).startswith(b"-ERR Protocol error")
            except OSError:
                pass
            raw.close()
            try:
                deaf.send(Resp.frame("EXPLAIN", "acme", self.secret) * 100)
            except OSError:
                pass  # not read any more, or cut off
        for load in loads:
            load.join()
        self.assertEqual(self.wrong, [])
        self.assertGreater(told, 0)

    def test_garbage_deaf_and_slow_clients_beside_as_much_load_as_it_takes(self):
        """For seconds of a closed loop of right, wrong and unknown credentials; every one of its verdicts must be right."""
        mix = self.there.write("mix.toml", "connections = 8\nwrong_share = 0.3\nunknown_share = 0.2\n[garbage]\nconnections = 64\n"
                                           "[slow_readers]\nconnections = 8\nbytes_per_s = 0\n")
        slow = self.there.write("slow.toml", "connections = 1\nrate = 1000\n[slow_readers]\nconnections = 8\nbytes_per_s = 10000\n")
        length = ("--duration", "%ds" % LOADED_S)
        slow_ones = self.begin_load("--scenario", slow, *length)
        report_of_all = self.load("--scenario", mix, *length)
        read = self.end_load(slow_ones)["slow_readers"]["bytes_read"]
        checks, garbage = report_of_all["checks"], report_of_all["garbage"]
        report("%s: %.2f M checks/s for %d s beside %d pieces of garbage, slow readers took %d bytes" % (
            self.backend, report_of_all["checks_per_s"] / 1e6, LOADED_S, garbage["pieces"], read))
        self.assertGreater(report_of_all["elapsed_s"], LOADED_S / 2)
        self.assertGreater(min(report_of_all["verdicts"][kind] for kind in ("current", "rejected")), checks / 4)
        for reaction in ("refused", "answered", "ignored"):
            self.assertGreater(garbage[reaction], 0, reaction)
        deaf = report_of_all["slow_readers"]
        self.assertGreater(deaf["frames_asked"], 0)
        self.assertEqual(deaf["bytes_read"], 0)
        self.assertGreater(read, 0)
        wait_for("all to be gone", lambda: self.clients_there() < 10)


class Rest(OnOneBackend, unittest.TestCase):
    """Nobody asks anything."""

    def waits_of_workers(self):
        """By worker, how often it has gone to sleep: the kernel's own count."""
        out = {}
        tasks = "/proc/%d/task" % self.engine.child.pid
        for task in os.listdir(tasks):
            with open("%s/%s/status" % (tasks, task), encoding="ascii") as status:
                fields = dict(line.split(":", 1) for line in status if ":" in line)
            if fields["Name"].strip().startswith("worker-"):
                out[fields["Name"].strip()] = int(fields["voluntary_ctxt_switches"])
        return out

    def wait_for_renewals(self, count):
        """As many times as the holder has renewed its lease: the control thread lives meanwhile."""
        redis = self.there.redis.client()
        left = redis.pttl("shearline:{sys}:lease")
        for _ in range(count):
            def renewed():
                nonlocal left
                before, left = left, redis.pttl("shearline:{sys}:lease")
                return left > before
            wait_for("a renewal of the lease", renewed)

    def test_workers_with_nothing_to_do_are_not_woken(self):
        wait_for("all to be gone", lambda: self.clients_there() <= 1)
        self.wait_for_renewals(2)
        before = self.waits_of_workers()
        self.assertEqual(len(before), 2)
        self.wait_for_renewals(RENEWALS)
        self.assertEqual(self.waits_of_workers(), before)


class LoadOnIoUring(Load):
    backend = "io_uring"


class LoadOnEpoll(Load):
    backend = "epoll"


class RestOnIoUring(Rest):
    backend = "io_uring"


class RestOnEpoll(Rest):
    backend = "epoll"


del Load, Rest  # no backend, no engine


if __name__ == "__main__":
    unittest.main(verbosity=2)
