"""Where io_uring is forbidden, as container runtimes do it: one line that says so and what to permit, and the status that
stands for a configuration to mend. Shown with a real seccomp filter around the real binaries."""

import ctypes
import os
import struct
import subprocess
import unittest

from deployment import BIN, PATIENCE, Deployment

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


class NoUring(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.there = Deployment()
        cls.addClassCleanup(cls.there.close)

    def run_without(self, calls, error, *command, environment=None):
        done = subprocess.run([os.path.join(BIN, command[0]), *command[1:]], env=environment or self.there.environment(), timeout=PATIENCE,
                              capture_output=True, stdin=subprocess.DEVNULL, preexec_fn=lambda: forbid(calls, error))
        return done.returncode, done.stderr.decode(), done.stdout.decode()

    def server_without(self, calls, error):
        return self.run_without(calls, error, "shearline", "server", "--config", self.there.config, "--data", self.there.folder + "/data",
                                "--listen.resp", "unix:" + self.there.folder + "/s.sock", "--store.redis", self.there.redis.address)

    def test_the_server_says_what_to_permit(self):
        for name, call in CALLS.items():
            with self.subTest(name):
                status, said, _ = self.server_without([call], EPERM)
                self.assertEqual(status, EX_CONFIG)
                self.assertEqual(said.count("\n"), 1, said)
                self.assertIn("io_uring is forbidden here", said)
                for permitted in CALLS:
                    self.assertIn(permitted, said)

    def test_the_server_says_so_where_the_calls_are_hidden(self):
        status, said, _ = self.server_without(CALLS.values(), ENOSYS)
        self.assertEqual((status, said.count("\n")), (EX_CONFIG, 1), said)
        self.assertIn("Linux 6.1", said)

    def test_nothing_was_begun(self):
        self.server_without(CALLS.values(), EPERM)
        self.assertEqual(self.there.redis.client().keys("*"), [])
        self.assertFalse(os.path.exists(self.there.folder + "/s.sock"))

    def test_the_admins_side_and_the_load_generator_say_so_too(self):
        command, environment = self.there.alice.command("list", "groups")
        status, said, out = self.run_without(CALLS.values(), EPERM, *command, environment=environment)
        self.assertNotEqual(status, 0)
        self.assertIn("io_uring", said + out)
        status, said, out = self.run_without(CALLS.values(), EPERM, "shearline-loadgen", "run", "--generated", "1", "--duration", "1s",
                                             "--server", "unix:" + self.there.folder + "/s.sock")
        self.assertNotEqual(status, 0)
        self.assertIn("io_uring", said + out)


if __name__ == "__main__":
    unittest.main(verbosity=2)
