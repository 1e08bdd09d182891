"""Bad input on the RESP port of a live engine: each gets its verdict or one clear error, and disturbs nobody and nothing."""

import os
import random
import resource
import select
import socket
import struct
import subprocess
import time
import unittest

from deployment import Deployment, Resp, free_port, wait_for
from undisturbed import Undisturbed

HALF_A_FRAME_S = 10  # after so much silence a connection with half a frame is ended
PROTOCOL_ERROR = b"-ERR Protocol error: "
GROWTH_MAX = 32 << 20  # of the engine's memory, whatever is sent to it


def of_length(length):
    return ("secret-of-%d-bytes-" % length + "x" * length)[:length]


class BadInput(Undisturbed):
    @classmethod
    def setUpClass(cls):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        cls.addClassCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        cls.there = Deployment()
        cls.addClassCleanup(cls.there.close)
        cls.tcp = "127.0.0.1:%d" % free_port()
        cls.engine = cls.there.engine(extra=("--listen.resp", cls.tcp)).wait_ready()
        alice = cls.there.alice
        alice.run("group", "create", "integrators", "alice")
        alice.create("acme")
        _, secret = alice.receive()
        cls.secret = secret.decode()
        cls.lengths = (16, 55, 56, 511, 512)
        lines = "".join('{"client_id":"long-%d","secret":"%s"}\n' % (length, of_length(length)) for length in cls.lengths)
        alice.run("credential", "import", cls.there.write("legacy.jsonl", lines), "--group", "integrators", "--owner", "acme",
                  "--service", "billing", "--environment", "staging", "--tenant", "acme", "--classification", "internal",
                  "--insist")
        os.unlink(os.path.join(cls.there.folder, "legacy.jsonl"))
        wait_for("the first secret", lambda: cls.engine.verify("acme", cls.secret) == "current")
        wait_for("the imports", lambda: cls.engine.verify("long-512", of_length(512)) == "current")

    def setUp(self):
        super().setUp()
        self.watch(self.there, self.engine, "acme", self.secret)

    def secrets_known(self):
        return super().secrets_known() | {of_length(512)[:40].encode()}

    def resident_bytes(self):
        with open("/proc/%d/status" % self.engine.child.pid, encoding="ascii") as facts:
            return next(int(line.split()[1]) << 10 for line in facts if line.startswith("VmRSS:"))

    def connect(self):
        host, port = self.tcp.split(":")
        raw = socket.create_connection((host, int(port)), 30)
        self.addCleanup(raw.close)
        return raw

    def everything_from(self, raw):
        """Until the engine has closed."""
        heard = b""
        while True:
            try:
                more = raw.recv(65536)
            except ConnectionResetError:
                return heard
            if not more:
                return heard
            heard += more
            self.heard.append(heard)

    def assert_told_and_closed(self, sent, saying=b""):
        raw = self.connect()
        raw.sendall(sent)
        heard = self.everything_from(raw)
        self.assertTrue(heard.startswith(PROTOCOL_ERROR), (sent[:60], heard))
        self.assertEqual(heard.count(b"\r\n"), 1, "said once: %r" % heard)
        self.assertIn(saying, heard)
        return heard

    # ---- broken framing ----

    def test_inline_commands(self):
        for line in (b"PING\r\n", b"VERIFY acme %s\r\n" % self.secret.encode(), b"\r\n", b"\0", b" *1\r\n"):
            self.assert_told_and_closed(line, b"inline commands and HTTP are not spoken here")

    def test_the_pipe_mode_of_redis_cli(self):
        """It ends its input with an empty inline command: the checks before it are answered, then it is told why and fails."""
        host, port = self.tcp.split(":")
        done = subprocess.run(["redis-cli", "-h", host, "-p", port, "--pipe"], input=Resp.frame("VERIFY", "acme", self.secret) * 3,
                              capture_output=True, timeout=60)
        self.heard.append(done.stdout + done.stderr)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"inline commands and HTTP are not spoken here", done.stdout + done.stderr)

    def test_http(self):
        verify = Resp.frame("VERIFY", "acme", self.secret)
        for request in (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(verify), verify),
                        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(512)):
            self.assert_told_and_closed(request, b"inline commands and HTTP are not spoken here")

    def test_frames_that_are_broken(self):
        for frame in (b"*x\r\n", b"*-1\r\n", b"*+1\r\n", b"*01\r\n", b"*\r\n", b"*1\n$4\r\nPING\r\n", b"*1\r\n$x\r\n", b"*1\r\n$-1\r\n",
                      b"*1\r\n$04\r\nPING\r\n", b"*1\r\n$4\r\nPING__", b"*1\r\n$4\r\nPINGPONG\r\n", b"*1\r\n+PING\r\n",
                      b"*1\r\n:1\r\n", b"*2\r\n$4\r\nECHO\r\n_\r\n"):
            self.assert_told_and_closed(frame)

    def test_frames_that_are_nested(self):
        self.assert_told_and_closed(b"*2\r\n*1\r\n$4\r\nPING\r\n", b"nested")
        self.assert_told_and_closed(b"*2\r\n$4\r\nECHO\r\n*1\r\n$1\r\nx\r\n", b"nested")
        self.assert_told_and_closed(b"*1\r\n" * 10000, b"nested")

    def test_frames_that_are_oversized(self):
        self.assert_told_and_closed(b"*65537\r\n", b"65536")
        self.assert_told_and_closed(b"*99999999999999999999\r\n", b"65536")
        self.assert_told_and_closed(b"*3\r\n$6\r\nVERIFY\r\n$1048577\r\n", b"1048576")
        self.assert_told_and_closed(b"*3\r\n$6\r\nVERIFY\r\n$18446744073709551617\r\n", b"1048576")

    def test_headers_that_never_end(self):
        for header in (b"*" + b"1" * 100000, b"*1\r\n$" + b"9" * 100000, b"*" + b"0" * 100000):
            self.assert_told_and_closed(header)

    def test_requests_that_never_end(self):
        """Each goes on for as long as it is listened to: bytes of one argument, bulk after bulk of a refused command, pair after
        pair of a sound one. None is listened to for long, and none is kept."""
        bulk = b"$65536\r\n" + b"x" * 65536 + b"\r\n"
        pair = b"$4\r\nacme\r\n$%d\r\n%s\r\n" % (len(self.secret), self.secret.encode())
        endless = {self.connect(): more for more in (b"x", bulk, pair)}
        for raw, head in zip(endless, (b"*3\r\n$6\r\nVERIFY\r\n$4\r\nacme\r\n$1048576\r\n", b"*65536\r\n$6\r\nVERIFY\r\n", b"*8193\r\n$7\r\nMVERIFY\r\n")):
            raw.sendall(head)
        before = self.resident_bytes()
        heard = dict.fromkeys(endless, b"")
        listening = set(endless)
        end = time.monotonic() + 5 * HALF_A_FRAME_S
        while listening:
            self.assertLess(time.monotonic(), end, "the engine listens for ever")
            readable, _, _ = select.select(listening, [], [], 0.05)  # so often each says a little more
            for raw in readable:
                try:
                    more = raw.recv(65536)
                except ConnectionResetError:
                    more = b""
                heard[raw] += more
                if not more:
                    listening.discard(raw)
            for raw in listening - set(readable):
                try:
                    raw.sendall(endless[raw])
                except OSError:
                    listening.discard(raw)
            self.assertLess(self.resident_bytes() - before, GROWTH_MAX)
        self.heard += heard.values()
        for raw, answer in heard.items():
            self.assertIn(PROTOCOL_ERROR, answer, endless[raw][:20])

    def test_the_answers_before_broken_framing_still_arrive(self):
        raw = self.connect()
        raw.sendall(Resp.frame("VERIFY", "acme", self.secret) * 100 + b"*1\r\n!" + Resp.frame("VERIFY", "acme", self.secret))
        heard = self.everything_from(raw)
        self.assertEqual(heard.count(b"+current\r\n"), 100)
        self.assertTrue(heard.endswith(b"\r\n") and heard.split(b"\r\n")[-2].startswith(PROTOCOL_ERROR), heard[-100:])

    def test_a_bulk_check_that_breaks_in_the_middle_answers_no_half(self):
        raw = self.connect()
        raw.sendall(b"*5\r\n$7\r\nMVERIFY\r\n$4\r\nacme\r\n$%d\r\n%s\r\n$4\r\nacme\r\n+\r\n" % (len(self.secret), self.secret.encode()))
        self.assertTrue(self.everything_from(raw).startswith(PROTOCOL_ERROR))

    def test_noise(self):
        noise = random.Random(7)
        for _ in range(300):
            raw = self.connect()
            try:
                raw.sendall(noise.choice((b"", b"*", b"*3\r\n", b"*3\r\n$6\r\nVERIFY\r\n")) + noise.randbytes(noise.randrange(1, 3000)))
                raw.shutdown(socket.SHUT_WR)
            except (ConnectionResetError, BrokenPipeError, OSError):
                continue
            heard = self.everything_from(raw)
            self.assertTrue(heard == b"" or heard.startswith(PROTOCOL_ERROR), heard[:100])

    def test_connections_that_are_reset_in_the_middle_of_a_frame(self):
        frame = Resp.frame("MVERIFY", *["acme", self.secret] * 100)
        for cut in range(1, len(frame), 37):
            raw = self.connect()
            raw.sendall(frame[:cut])
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raw.close()

    # ---- slow and silent ones ----

    def test_byte_by_byte(self):
        raw = self.connect()
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in Resp.frame("VERIFY", "acme", self.secret) + Resp.frame("MVERIFY", "acme", self.secret, "acme", "wrong"):
            raw.sendall(bytes([byte]))
        reader = raw.makefile("rb")
        self.addCleanup(reader.close)
        self.assertEqual([reader.readline() for _ in range(3)], [b"+current\r\n", b"$2\r\n", b"cr\r\n"])

    def test_half_a_frame_and_silence(self):
        verify = Resp.frame("VERIFY", "acme", self.secret)
        halves = [b"*", b"*3", b"*3\r\n", b"*3\r\n$6\r\nVER", verify[:-len(self.secret) - 3], verify[:-3], verify[:-1],
                  Resp.frame("MVERIFY", *["acme", self.secret] * 3)[:-10], verify + verify[:9]]
        waiting = [self.connect() for _ in halves]
        idle = self.connect()
        for raw, half in zip(waiting, halves):
            raw.sendall(half)
        for raw, half in zip(waiting, halves):
            raw.settimeout(3 * HALF_A_FRAME_S)
            heard = self.everything_from(raw)
            self.assertIn(b"-ERR Protocol error: the rest of a request did not arrive in time\r\n", heard, half)
        idle.sendall(Resp.frame("PING"))
        self.assertEqual(idle.recv(100), b"+PONG\r\n", "between requests a connection may be silent as long as it likes")

    def test_a_thousand_connections_that_say_nothing(self):
        silent = [self.connect() for _ in range(1000)]
        wait_for("all of them", lambda: int(self.engine.info()["connected_clients"]) >= 1000)
        self.assertEqual(self.engine.verify("acme", self.secret), "current")
        readable, _, _ = select.select(silent[:200], [], [], 0)
        self.assertEqual(readable, [], "none was closed or told anything")
        for raw in silent[::100]:
            raw.sendall(Resp.frame("VERIFY", "acme", self.secret))
            self.assertEqual(raw.recv(100), b"+current\r\n")

    def test_one_that_asks_and_never_reads(self):
        """Its questions are not read any more, and what it has cost stays bounded."""
        raw = self.connect()
        raw.setblocking(False)
        frame = Resp.frame("INFO") * 100
        sent = 0
        while select.select([], [raw], [], 2)[1]:
            sent += raw.send(frame)
            self.assertLess(sent, 64 << 20, "the engine reads on without end")

    def test_more_connections_than_are_allowed(self):
        few = self.there.engine("engine-few", extra=("--listen.connections_max", "10"))
        kept = [wait_for("it to listen", lambda: self.try_connect(few.address))] + [Resp(few.address) for _ in range(9)]
        for connection in kept:
            self.assertEqual(connection.call("PING"), "PONG")
        wait_for("word that there are too many", lambda: self.is_told_too_many(few.address))
        kept.pop().close()
        wait_for("room again", lambda: not self.is_told_too_many(few.address))
        for connection in kept:
            self.assertEqual(connection.call("PING"), "PONG")
            connection.close()
        self.assertEqual(few.stop(), 0)

    @staticmethod
    def try_connect(address):
        try:
            return Resp(address)
        except OSError:
            return None

    @staticmethod
    def is_told_too_many(address):
        connection = Resp(address)
        try:
            return "max number of clients" in connection.call("PING")
        except OSError:
            return True
        finally:
            connection.close()

    # ---- sound frames with bad content ----

    def test_client_ids_with_forbidden_bytes(self):
        connection = self.listening(self.tcp)
        bad = ["", "a b", "a\0b", "a\r\nb", "a/b", "a{b", "a:b", "ä", "acme\n", "x" * 65, "x" * 1000, b"\xff\xfe", b"*1\r\n$4\r\nPING\r\n"]
        for client_id in bad:
            self.assertEqual(connection.call("VERIFY", client_id, self.secret), "malformed", client_id)
            self.assertEqual(connection.call("MVERIFY", "acme", self.secret, client_id, self.secret, "acme", self.secret), b"cmc")
        self.assertEqual(connection.call("VERIFY", "x" * 64, self.secret), "rejected")

    def test_secrets_of_every_awkward_length(self):
        connection = self.listening(self.tcp)
        for length in self.lengths:
            client_id, secret = "long-%d" % length, of_length(length)
            self.assertEqual(connection.call("VERIFY", client_id, secret), "current", length)
            self.assertEqual(connection.call("VERIFY", client_id, secret[:-1]), "rejected", "one byte short of %d" % length)
            longer = "malformed" if length == 512 else "rejected"
            self.assertEqual(connection.call("VERIFY", client_id, secret + "x"), longer, "one byte more than %d" % length)
        for length, verdict in ((0, "malformed"), (1, "rejected"), (513, "malformed"), (1 << 20, "malformed")):
            self.assertEqual(connection.call("VERIFY", "acme", "s" * length), verdict, length)
        self.assertEqual(connection.call("MVERIFY", "acme", "", "acme", self.secret, "acme", "s" * 100000, "acme", self.secret), b"mcmc")

    def test_too_many_pairs_and_odd_ones(self):
        connection = self.listening(self.tcp)
        pair = ("acme", self.secret)
        self.assertEqual(connection.call("MVERIFY", *pair * 4096), b"c" * 4096)
        self.assertIn("at most 4096", connection.call("MVERIFY", *pair * 4097))
        self.assertIn("at most 4096", connection.call("MVERIFY", *pair * 30000))
        self.assertIn("wrong number", connection.call("MVERIFY", *pair, "acme"))
        self.assertIn("wrong number", connection.call("MVERIFY"))
        self.assertIn("at most 4096", connection.call("MVERIFYKEY", *["sl_acme.x"] * 4097))
        self.assertEqual(connection.call("VERIFY", *pair), "current", "the connection lives on")

    def test_commands_nobody_knows(self):
        connection = self.listening(self.tcp)
        for command in (("GET", "key"), ("EVAL", "return 1", "0"), ("FLUSHALL",), ("VERIFIY", "acme", self.secret), ("",), (self.secret,),
                        ("\r\n+OK\r\n",), ("VERIFY",), ("VERIFY", "acme"), ("VERIFY", "acme", self.secret, "more"), ("VERIFYKEY",),
                        ("EXPLAIN", "acme"), ("SUBSCRIBE", "x"), ("MULTI",), ("CONFIG", "SET", "x", "y"), ("CLIENT", "KILL")):
            answer = connection.call(*command)
            self.assertTrue(answer.startswith("-"), (command, answer))
            self.assertNotIn(self.secret, answer)
        self.assertEqual(connection.call("VERIFY", "acme", self.secret), "current")

    def test_keys_that_are_not_keys(self):
        connection = self.listening(self.tcp)
        for key in ("", "sl_", "sl_acme", "sl_acme.", "sl_acme." + self.secret, "sl_acme.%s000000" % self.secret, "_.", "sl_a b.x", "x" * 641,
                    "x" * 100000):
            self.assertIn(connection.call("VERIFYKEY", key), ("malformed", "rejected"), key)


if __name__ == "__main__":
    unittest.main(verbosity=2)
