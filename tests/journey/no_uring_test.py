"""Where io_uring is forbidden, as container runtimes do it, everything works on epoll; where it was asked for by name, one
line says what to permit. Shown with a real seccomp filter around the real binaries."""

import ctypes
import os
import struct
import subprocess
import sys
import unittest

from deployment import BIN, PATIENCE, Deployment, Resp, free_port, wait_for

EX_CONFIG = 78
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
EPERM, ENOSYS = 1, 38
CALLS = {"io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427}  # the same on every architecture
LIBC = ctypes.CDLL(None, use_errno=True)


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def forbid(calls, error):
    """For this process and all it becomes: these calls fail with this error. Run between fork and exec."""
    def rule(code, if_true, if_false, value):
        return struct.pack("HBBI", code, if_true, if_false, value)
    rules = [rule(0x20, 0, 0, 0)]  # load the call's number
    for place, call in enumerate(calls):
        rules.append(rule(0x15, len(calls) - place, 0, call))  # equal: to the last rule
    rules += [rule(0x06, 0, 0, 0x7fff0000), rule(0x06, 0, 0, 0x00050000 | error)]
    program = Program(len(rules), b"".join(rules))
    if LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or LIBC.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "no seccomp filter")


class Forbidden(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.there = Deployment()
        cls.addClassCleanup(cls.there.close)

    def engine_without(self, calls, error, *extra):
        engine = self.there.engine("engine-%d" % len(self.there.engines), extra=extra, before=lambda: forbid(calls, error))
        return engine.wait_ready()

    def assert_serves_on(self, backend, engine, why):
        self.assertEqual(engine.info()["multiplexing_api"], backend)
        self.assertEqual(engine.verify("nobody", "nothing"), "rejected")
        lines = [line for line in engine.said().splitlines() if " backend " in line]
        self.assertEqual(len(lines), 1, engine.said())
        self.assertIn("backend=" + backend, lines[0].replace('"', ""))
        self.assertIn(why, lines[0])
        self.assertEqual(engine.stop(), 0, engine.said())

    def test_the_server_serves_on_epoll_whichever_call_is_forbidden(self):
        for name, call in CALLS.items():
            with self.subTest(name):
                self.assert_serves_on("epoll", self.engine_without([call], EPERM), "io_uring is forbidden here")

    def test_the_server_serves_on_epoll_where_the_calls_are_hidden(self):
        self.assert_serves_on("epoll", self.engine_without(CALLS.values(), ENOSYS), "Linux 6.1")

    def test_connections_are_dealt_round_the_workers_on_epoll(self):
        address = "127.0.0.1:%d" % free_port()
        engine = self.engine_without(CALLS.values(), EPERM, "--workers", "3", "--listen.resp", address)
        kept = [Resp(address) for _ in range(30)]
        for connection in kept:
            self.assertEqual(connection.call("MVERIFY", *["nobody", "nothing"] * 100), b"r" * 100)
        info = engine.info_of(kept[0])
        for worker in range(3):
            self.assertIn("connections=10,", info["shearline_worker_%d" % worker])
        for connection in kept:
            connection.close()
        self.assertEqual(engine.stop(), 0, engine.said())

    def test_the_load_generator_runs_on_epoll(self):
        engine = self.engine_without(CALLS.values(), EPERM)
        done = subprocess.run([os.path.join(BIN, "shearline-loadgen"), "run", "--generated", "10", "--duration", "1s", "--server",
                               engine.address], capture_output=True, timeout=PATIENCE, preexec_fn=lambda: forbid(CALLS.values(), EPERM))
        self.assertNotIn("io_uring", (done.stdout + done.stderr).decode())
        self.assertGreater(int(engine.info()["shearline_checks"]), 0, done.stderr.decode())
        self.assertEqual(engine.stop(), 0)

    def test_the_whole_tour_works_without_it(self):
        """Engine, Redis, admin's command line: every process of the tour is forbidden the calls."""
        tour = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tour_test.py")
        done = subprocess.run([sys.executable, "-W", "ignore", tour], capture_output=True, timeout=4 * PATIENCE,
                              preexec_fn=lambda: forbid(CALLS.values(), EPERM))
        self.assertEqual(done.returncode, 0, done.stderr.decode()[-8000:])


class AskedForByName(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.there = Deployment()
        cls.addClassCleanup(cls.there.close)

    def server_without(self, calls, error):
        done = subprocess.run([os.path.join(BIN, "shearline"), "server", "--backend", "io_uring", "--config", self.there.config, "--data",
                               self.there.folder + "/data", "--listen.resp", "unix:" + self.there.folder + "/s.sock", "--store.redis",
                               self.there.redis.address], env=self.there.environment(), timeout=PATIENCE, capture_output=True,
                              stdin=subprocess.DEVNULL, preexec_fn=lambda: forbid(calls, error))
        return done.returncode, done.stderr.decode()

    def test_the_server_says_what_to_permit(self):
        for name, call in CALLS.items():
            with self.subTest(name):
                status, said = self.server_without([call], EPERM)
                self.assertEqual(status, EX_CONFIG)
                self.assertEqual(said.count("\n"), 1, said)
                self.assertIn("io_uring is forbidden here", said)
                for permitted in CALLS:
                    self.assertIn(permitted, said)

    def test_the_server_says_so_where_the_calls_are_hidden(self):
        status, said = self.server_without(CALLS.values(), ENOSYS)
        self.assertEqual((status, said.count("\n")), (EX_CONFIG, 1), said)
        self.assertIn("Linux 6.1", said)

    def test_nothing_was_begun(self):
        self.server_without(CALLS.values(), EPERM)
        self.assertEqual(self.there.redis.client().keys("*"), [])
        self.assertFalse(os.path.exists(self.there.folder + "/s.sock"))

    def test_epoll_is_used_where_it_is_asked_for(self):
        engine = self.there.engine(extra=("--backend", "epoll")).wait_ready()
        self.assertEqual(engine.info()["multiplexing_api"], "epoll")
        self.assertIn("the configuration asks for it", engine.said())
        self.assertEqual(engine.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
