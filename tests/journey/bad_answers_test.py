"""Somebody who may write Redis speaks to an admin in the engine's name: forged answers and forged envelopes. The command line
takes nothing that the pinned engine did not sign, says so loudly, and still finds what is genuine; nobody and nothing else is
disturbed."""

import hashlib
import json
import signal
import threading
import unittest

import jws
from deployment import Deployment, wait_for
from undisturbed import Undisturbed


class FakeEngine:
    """Hears every command as the engine does, and answers it as `forge(command, jti)` says."""

    def __init__(self, client, forge):
        self.client, self.forge = client, forge
        self.answered = threading.Event()
        self.channel = client.pubsub(ignore_subscribe_messages=True)
        self.channel.subscribe("shearline:commands")
        self.channel.get_message(timeout=5)
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stopping.is_set():
            heard = self.channel.get_message(timeout=0.2)
            if heard:
                jti = json.loads(jws.unb64(heard["data"].decode().split(".")[1]))["jti"]
                self.client.publish("shearline:replies:" + jti, self.forge(heard["data"], jti))
                self.answered.set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()
        self.channel.close()


def stream_of(group):
    return "shearline:{g:%s}:stream" % group


class BadAnswers(Undisturbed):
    @classmethod
    def setUpClass(cls):
        cls.there = Deployment(rules='bootstrap = true\n[class.default]\nminimum_interval = "0"\n')
        cls.addClassCleanup(cls.there.close)
        cls.engine = cls.there.engine().wait_ready()
        cls.alice = cls.there.alice
        cls.redis = cls.there.redis.client()
        cls.forger = jws.Signer(cls.there.folder)
        for group, client_id in (("integrators", "acme"), ("others", "elsewhere")):
            cls.alice.run("group", "create", group, "alice")
            cls.alice.create(client_id, group)
            _, secret = cls.alice.receive()
            wait_for("the secret", lambda: cls.engine.verify(client_id, secret) == "current")
        cls.secret = secret  # of elsewhere, which no test rotates

    def setUp(self):
        super().setUp()
        gateway = self.watch(self.there, self.engine, "elsewhere", self.secret)
        gateway.longest_silence_max = float("inf")  # tests stop the engine for a while

    def tearDown(self):
        self.engine.signal(signal.SIGCONT)
        super().tearDown()

    def hear(self, *arguments):
        status, lines, said = self.alice.hear(*arguments)
        self.heard.append(json.dumps(lines).encode() + said.encode())
        return status, lines, said

    # ---- answers ----

    def forged(self, command, jti):
        """What the engine would answer, signed by somebody else."""
        return self.forger.token({"jti": jti, "command_sha256": jws.b64(hashlib.sha256(command).digest()), "status": "done",
                                  "code": "ok", "result": {"client_id": "forged"}}, "engine", typ="shearline-reply+jwt")

    def test_a_forged_answer_is_refused_aloud_and_the_genuine_one_taken(self):
        self.engine.signal(signal.SIGSTOP)  # so that the forgery is there first
        with FakeEngine(self.there.redis.client(), self.forged) as fake:
            asking = self.alice.start("status", "acme")
            self.assertTrue(fake.answered.wait(30))
            self.engine.signal(signal.SIGCONT)
            out, said = asking.communicate(timeout=60)
        self.assertEqual(asking.returncode, 0)
        self.assertEqual(json.loads(out)["result"]["client_id"], "acme")
        self.assertIn("refused: not signed by the pinned engine", said.decode())
        self.heard.append(out + said)

    def test_without_the_engine_no_forgery_is_good_enough(self):
        genuine = self.genuine_answer()
        self.engine.signal(signal.SIGSTOP)
        forgeries = {
            "signed by somebody else": self.forged,
            "without a signature": lambda command, jti: self.forged(command, jti).rsplit(".", 1)[0] + ".",
            "with no algorithm": lambda command, jti: jws.signing_input({"alg": "none", "typ": "shearline-reply+jwt"}, {"jti": jti}) + ".",
            "the engine's, to another command": lambda command, jti: genuine,
            "the command itself": lambda command, jti: command,
            "garbage": lambda command, jti: b"\xff\0garbage",
        }
        for what, forge in forgeries.items():
            with self.subTest(what), FakeEngine(self.there.redis.client(), forge) as fake:
                status, lines, said = self.hear("--answer-timeout", "2s", "status", "acme")
                self.assertEqual(status, 3)
                self.assertIn("no answer from the engine", lines[-1]["detail"])
                self.assertIn("was refused: ", said)
                self.assertTrue(fake.answered.is_set())

    def genuine_answer(self):
        """One of the engine to another command of hers, as it went over the channel."""
        with self.redis.pubsub(ignore_subscribe_messages=True) as channel:
            channel.psubscribe("shearline:replies:*")
            channel.get_message(timeout=5)
            self.alice.run("list", "groups")
            return wait_for("an answer", lambda: channel.get_message(timeout=1))["data"]

    # ---- envelopes ----

    def newest_sealed(self, group):
        """The bytes of the newest envelope with a secret in a group's stream."""
        entries = self.redis.xrevrange(stream_of(group))
        return next(fields[b"envelope"] for _, fields in entries if b"sealed" in fields[b"envelope"])

    def forgeries_of(self, envelope):
        signature = envelope.rindex(b"sig") + 6
        ciphertext = envelope.index(b"alice") + 40
        yield "nothing", b""
        yield "garbage", b"\xff\0garbage"
        yield "cut in half", envelope[:len(envelope) // 2]
        yield "cut by its last byte", envelope[:-1]
        yield "with a byte behind it", envelope + b"\0"
        yield "with a wrong signature", envelope[:signature] + bytes([envelope[signature] ^ 1]) + envelope[signature + 1:]
        yield "with another content", envelope[:ciphertext] + bytes([envelope[ciphertext] ^ 1]) + envelope[ciphertext + 1:]
        yield "of an unknown version", envelope.replace(b"\xa1v\x01", b"\xa1v\x02", 1)
        yield "to somebody else", envelope.replace(b"alice", b"carol")
        yield "of another group", self.newest_sealed("others")
        yield "nested without end", b"\x91" * 100000
        yield "with a map of four billion", b"\xdf\xff\xff\xff\xff"
        yield "of more than a MiB", b"\xc6\x00\x20\x00\x00" + bytes(0x200000)

    def inbox(self, timeout="30s"):
        return self.hear("inbox", "--once", "--out", self.alice.secrets, "--timeout", timeout)

    def test_forged_envelopes_are_refused_aloud_and_change_nothing(self):
        genuine = self.newest_sealed("integrators")
        forgeries = dict(self.forgeries_of(genuine))
        self.assertEqual(len(set(forgeries.values()) - {genuine}), len(forgeries), "each differs from the genuine one")
        names = {self.redis.xadd(stream_of("integrators"), {"envelope": forged}).decode(): what for what, forged in forgeries.items()}
        names[self.redis.xadd(stream_of("integrators"), {"something": "else"}).decode()] = "an entry that is none"
        self.redis.xadd(stream_of("integrators"), {"envelope": genuine})  # put in once more: not refused, not taken twice

        self.asked_for("stream:integrators")
        self.settled()
        received = self.alice.received()
        status, lines, said = self.inbox("2s")
        self.assertEqual((status, lines[-1]["detail"]), (3, "no secret came in time"))
        refused = {line["entry"]: line for line in lines if line.get("event") == "refused"}
        self.assertEqual({names[entry] for entry in refused}, set(names.values()))
        for entry in refused:
            self.assertIn("entry %s in the stream of integrators was refused and ignored: " % entry, said)
            self.assertTrue(refused[entry]["detail"])
        self.assertEqual(self.alice.received(), received, "no secret was taken")
        self.settled()  # nothing was acknowledged

        # The genuine one behind them is taken, without another word about them.
        self.asked_for("credential:acme", "stream:integrators")
        self.alice.run("rotate", "acme", "--grace", "0s", "--no-follow")
        status, lines, said = self.inbox()
        self.assertEqual((status, [line["event"] for line in lines]), (0, ["secret"]), said)
        with open(lines[0]["secret_file"], "rb") as text:
            secret = text.read().strip()
        wait_for("the genuine secret", lambda: self.engine.verify("acme", secret) == "current")
        self.assertNotIn("refused", said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
