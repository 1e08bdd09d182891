"""The whole-system sweep (security.md "Never"): after a full rotation and checks with both secrets, neither secret is
found, in any spelling, in Redis's memory and files, in the engine's memory, its trail, its log, or what INFO says."""

import base64
import os
import unittest

from deployment import Deployment, Resp, wait_for
from leaks import files_under, found_in, memory_of, spellings


class Sweep(unittest.TestCase):
    def test_no_secret_is_found_anywhere(self):
        with Deployment() as there:
            engine = there.engine(extra=("--allow-debugger", "--log", "debug")).wait_ready()
            alice = there.alice
            alice.run("group", "create", "integrators", "alice")
            alice.create("acme", "integrators", "--api-key-prefix", "sl")
            _, first = alice.receive()
            alice.run("rotate", "acme", "--grace", "1h", "--no-follow")
            _, second = alice.receive()
            wait_for("the second secret", lambda: engine.verify("acme", second) == "current")
            imported = b"imported-secret-of-a-legacy-client-0123456789"
            there.write("legacy.jsonl", '{"client_id":"legacy","secret":"%s"}\n' % imported.decode())
            alice.run("credential", "import", os.path.join(there.folder, "legacy.jsonl"), "--group", "integrators", "--owner",
                      "acme", "--service", "billing", "--environment", "staging", "--tenant", "acme", "--classification",
                      "internal")
            os.unlink(os.path.join(there.folder, "legacy.jsonl"))
            wait_for("the import", lambda: engine.verify("legacy", imported) == "current")

            secrets = {"first": first, "second": second, "imported": imported}
            self.check_that_the_engines_memory_is_seen(engine)
            self.check_hard(engine, secrets)
            wait_for("the last connections to be closed", lambda: engine.info()["connected_clients"] == "1")
            places = memory_of(engine, "engine") + memory_of(there.redis.process, "Redis")
            places += self.files_of(there)  # every command that Redis ever got is in its append-only file
            self.rewrite(there.redis.client())
            places += self.files_of(there)
            places.append(("INFO", repr(engine.info()).encode()))
            self.assertGreater(len(places), 50)
            self.check_that_the_sweep_can_see(places)
            self.check_that_every_spelling_would_be_found()
            self.assertEqual(found_in(places, secrets), [])

    @staticmethod
    def files_of(there):
        return [place for place in files_under(there.folder) if not place[0].startswith(there.alice.folder)]

    @staticmethod
    def rewrite(redis):
        """Redis writes down what it holds, as a dump and as a new append-only file."""
        redis.save()
        redis.bgrewriteaof()
        wait_for("the append-only file to be rewritten", lambda: not any(
            redis.info("persistence")[name] for name in ("aof_rewrite_in_progress", "aof_rewrite_scheduled")))

    def check_hard(self, engine, secrets):
        """Right ones, wrong neighbours, split frames and broken ones: every way a secret gets into a buffer."""
        connection = Resp(engine.address)
        for client_id, secret in (("acme", secrets["first"]), ("acme", secrets["second"]), ("legacy", secrets["imported"])):
            connection.call("VERIFY", client_id, secret)
            connection.call("EXPLAIN", client_id, secret)
            connection.call("MVERIFY", *[part for _ in range(500) for part in (client_id, secret)])
            connection.call("VERIFY", "nobody", secret)
            connection.call("VERIFYKEY", b"sl_acme." + secret + b"000000")
            frame = Resp.frame("VERIFY", client_id, secret)
            for cut in (len(frame) - 3, len(frame) - 20):
                connection.send(frame[:cut])
                connection.send(frame[cut:])
                connection.reply()
            connection.call("VERIFIY", client_id, secret)
            connection.call("VERIFY", client_id, secret, "superfluous")
            connection.call("MVERIFY", client_id, secret, "odd")
            torn = Resp(engine.address)
            torn.send(frame[:-5])
            torn.close()
            broken = Resp(engine.address)
            broken.send(Resp.frame("VERIFY", client_id, secret)[:-2] + b"xx")
            broken.reply()
            broken.close()
        connection.close()

    def check_that_the_engines_memory_is_seen(self, engine):
        """A secret that has arrived in part lies in the engine's memory until the rest comes: there it is found, and once the
        request is answered it is gone."""
        decoy = b"a-decoy-that-arrives-in-two-parts-" + os.urandom(8).hex().encode()
        frame = Resp.frame("VERIFY", "nobody", decoy)
        part = decoy[:-8]

        def seen():
            return [place for place, content in memory_of(engine, "engine") if part in content]
        connection = Resp(engine.address)
        connection.send(frame[:frame.index(part) + len(part)])
        wait_for("the sweep to see half a secret in the engine's memory", seen)
        connection.send(frame[frame.index(part) + len(part):])
        self.assertEqual(connection.reply(), "rejected")
        self.assertEqual(seen(), [])
        connection.close()

    def check_that_the_sweep_can_see(self, places):
        """A sweep that finds nothing because it looks at nothing proves nothing: where something is that is no secret."""
        for where, known in (("engine memory", b"integrators"), ("Redis memory", b"credential:acme")):
            self.assertTrue(any(known in content for place, content in places if place.startswith(where)), where)
        for name, known in (("audit.jsonl", b"rotation.promoted"), (".aof", b"credential:acme"), ("dump.rdb", b"credential:acme"),
                            ("engine.log", b"lease_gained")):
            self.assertTrue(any(known in content for place, content in places if place.endswith(name)), name)

    def check_that_every_spelling_would_be_found(self):
        decoy = b"003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf"
        planted = {"plain": decoy, "hex": decoy.hex().encode(), "HEX": decoy.hex().upper().encode()}
        for shift in range(3):
            encoded = base64.b64encode(b"abc"[:shift] + decoy + b"tail")
            planted["base64 shifted by %d" % shift] = encoded
            planted["base64url shifted by %d" % shift] = encoded.translate(bytes.maketrans(b"+/", b"-_"))
        for spelling, text in spellings(decoy):
            self.assertIn(text, b"before " + planted[spelling] + b" after", spelling)


if __name__ == "__main__":
    unittest.main(verbosity=2)
