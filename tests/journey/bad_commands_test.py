"""Bad input on the command channel: whatever is not a fresh command of an admin for this deployment gets a clear, signed
answer or a line, and disturbs nobody and nothing."""

import hashlib
import hmac
import json
import os
import time
import unittest

import jws
from deployment import Deployment, wait_for
from undisturbed import Undisturbed

PLAIN = "a-plain-secret-that-must-not-be-sent-0123456789"


class BadCommands(Undisturbed):
    @classmethod
    def setUpClass(cls):
        cls.there = Deployment()
        cls.addClassCleanup(cls.there.close)
        cls.engine = cls.there.engine().wait_ready()
        cls.alice = cls.there.alice
        cls.alice.run("group", "create", "integrators", "alice")
        cls.alice.run("group", "create", "authors", "alice", "carol")
        cls.alice.create("acme")
        _, cls.secret = cls.alice.receive()
        wait_for("the first secret", lambda: cls.engine.verify("acme", cls.secret) == "current")
        # Carol is an admin like any other and not in acme's group; her keys are openssl's, so that a test can sign as she would.
        cls.carol = jws.Signer(cls.there.folder)
        public = cls.there.write("carol.public", jws.public_file(cls.carol, "carol", "carol@example.test"))
        cls.alice.run("admin", "enroll", "carol", public)
        with open(cls.there.public, encoding="utf-8") as text:
            cls.engine_key = jws.unb64(json.load(text)["signing_key"])
        cls.redis = cls.there.redis.client()

    def setUp(self):
        super().setUp()
        self.watch(self.there, self.engine, "acme", self.secret)

    def secrets_known(self):
        return super().secrets_known() | {PLAIN.encode()}

    def publish(self, message):
        self.assertEqual(self.redis.publish("shearline:commands", message), 1, "the engine listens")

    def ask(self, message, jti):
        """The engine's answer, its signature checked."""
        with self.redis.pubsub(ignore_subscribe_messages=True) as channel:
            channel.subscribe("shearline:replies:" + jti)
            channel.get_message(timeout=5)  # the subscription stands before the command goes out
            self.publish(message)
            heard = wait_for("the answer", lambda: channel.get_message(timeout=1))
        answer = jws.verify_answer(heard["data"], message, self.engine_key)
        self.assertEqual(answer["jti"], jti)
        self.heard.append(json.dumps(answer).encode())
        return answer

    def assert_refused(self, message, claims, code, saying):
        answer = self.ask(message, claims["jti"])
        self.assertEqual((answer["status"], answer["code"]), ("rejected", code), answer)
        self.assertIn(saying, answer["detail"])
        self.assert_nothing_changed()
        return answer

    def rotate(self, **more):
        return jws.claims("rotate", credential="acme", params={"grace_ms": 3600000}, **more)

    # ---- who signed, and how ----

    def test_an_unsigned_command(self):
        claims = self.rotate()
        header = {"alg": "EdDSA", "typ": "shearline-command+jwt", "kid": "carol"}
        signed = jws.signing_input(header, claims)
        self.assert_refused(signed + ".", claims, "invalid", "signature")
        self.assert_refused(signed, claims, "invalid", "three parts")
        self.assert_refused(jws.signing_input({**header, "alg": "none"}, claims) + ".", claims, "invalid", "EdDSA")
        self.assert_refused(signed + "." + jws.b64(bytes(64)), claims, "unauthorized", "not signed with the key")

    def test_other_algorithms(self):
        claims = self.rotate()
        header = {"alg": "HS256", "typ": "shearline-command+jwt", "kid": "carol"}
        signed = jws.signing_input(header, claims)
        # Key confusion: carol's public key, which everybody may know, as the key of an HMAC.
        tag = hmac.new(self.carol.public(), signed.encode(), hashlib.sha256).digest()
        self.assert_refused(signed + "." + jws.b64(tag), claims, "invalid", "EdDSA")
        rsa = jws.Signer(self.there.folder, "RSA")
        self.assert_refused(rsa.token(claims, "carol", alg="RS256"), claims, "invalid", "EdDSA")
        self.assert_refused(self.carol.token(claims, "carol", alg="eddsa"), claims, "invalid", "EdDSA")
        self.assert_refused(self.carol.token(claims, "carol", typ="JWT"), claims, "invalid", "typ")

    def test_a_stranger_learns_nothing_about_who_is_known(self):
        stranger = jws.Signer(self.there.folder)
        claims = self.rotate()
        unknown = self.assert_refused(stranger.token(claims, "mallory"), claims, "unauthorized", "not signed with the key")
        claims = self.rotate()
        forged = self.assert_refused(stranger.token(claims, "alice"), claims, "unauthorized", "not signed with the key")
        self.assertEqual(unknown["detail"], forged["detail"])

    def test_a_key_that_came_along_in_the_header(self):
        stranger = jws.Signer(self.there.folder)
        claims = self.rotate()
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": jws.b64(stranger.public())}
        signed = jws.signing_input({"alg": "EdDSA", "typ": "shearline-command+jwt", "kid": "carol", "jwk": jwk}, claims)
        self.assert_refused(signed + "." + jws.b64(stranger.sign(signed.encode())), claims, "unauthorized", "not signed")

    def test_claims_that_were_changed_after_signing(self):
        claims = self.rotate()
        token = self.carol.token(claims, "carol")
        head, _, signature = token.split(".")
        changed = jws.b64(json.dumps({**claims, "credential": "other"}).encode())
        self.assert_refused(".".join((head, changed, signature)), claims, "unauthorized", "not signed")

    # ---- when and for whom ----

    def test_an_expired_one(self):
        claims = self.rotate()
        old = {**claims, "iat": claims["iat"] - 3600, "exp": claims["iat"] - 3500}
        self.assert_refused(self.carol.token(old, "carol"), claims, "unauthorized", "expired")
        future = {**claims, "iat": claims["iat"] + 3600, "exp": claims["iat"] + 3700}
        self.assert_refused(self.carol.token(future, "carol"), claims, "unauthorized", "future")
        eternal = {**claims, "exp": claims["iat"] + 301}
        self.assert_refused(self.carol.token(eternal, "carol"), claims, "unauthorized", "300 s")
        for backwards in ({**claims, "exp": claims["iat"]}, {**claims, "exp": claims["iat"] - 1}):
            self.assert_refused(self.carol.token(backwards, "carol"), claims, "unauthorized", "after `iat`")

    def test_one_for_another_deployment(self):
        for audience in ("shearline:production", "journey", "shearline:journey2"):
            claims = {**self.rotate(), "aud": audience}
            self.assert_refused(self.carol.token(claims, "carol"), claims, "unauthorized", "another deployment")

    # ---- once and no more ----

    def test_a_repeated_command_and_a_used_jti_with_other_bytes(self):
        claims = jws.claims("credential.create", credential="twice", params={
            "kind": "oauth2_client_secret", "group": "authors", "metadata": {
                "owner": "acme", "service": "billing", "environment": "staging", "tenant": "acme",
                "data_classification": "internal"}})
        token = self.carol.token(claims, "carol")
        self.asked_for("credential:twice", "stream:authors")
        first = self.ask(token, claims["jti"])
        self.assertEqual((first["status"], first["code"]), ("accepted", "ok"))
        wait_for("the trail", self.store.outbox_is_empty)

        def notified():
            return self.alice.status("twice")["result"]["rotation"]["state"] == "notified"
        wait_for("the envelope to be out", notified)
        self.settled()
        for _ in range(3):
            self.assertEqual(self.ask(token, claims["jti"]), first)
        self.assert_nothing_changed()
        # Ed25519 signs alike each time; other bytes are other claims under the same jti.
        self.assert_refused(self.carol.token({**claims, "reason": "other"}, "carol"), claims, "conflict", "jti")
        self.assert_refused(self.carol.token({**claims, "cmd": "rotate", "params": {}}, "carol"), claims, "conflict", "jti")
        self.asked_for("credential:twice", "stream:authors")
        self.alice.run("cancel", "twice", "--rotation", claims["jti"])

    # ---- what may be asked ----

    def test_changes_by_an_admin_outside_the_group(self):
        for cmd, params in (("rotate", {"grace_ms": 0}), ("revoke", {}), ("rotate", {"emergency": True})):
            claims = jws.claims(cmd, credential="acme", params=params)
            self.assert_refused(self.carol.token(claims, "carol"), claims, "unauthorized", "not in the group")

    def test_an_acknowledgement_by_an_admin_outside_the_group(self):
        self.asked_for("credential:acme", "stream:integrators")
        self.alice.run("rotate", "acme", "--grace", "1h", "--no-follow")
        rotation = wait_for("the envelope to be out", self.notified_rotation)
        self.settled()
        claims = jws.claims("ack", credential="acme", rotation_id=rotation, params={"ack_tag": jws.b64(bytes(32))})
        self.assert_refused(self.carol.token(claims, "carol"), claims, "unauthorized", "not in the group")
        self.asked_for("credential:acme", "stream:integrators")
        self.alice.run("cancel", "acme", "--rotation", rotation)

    def notified_rotation(self):
        rotation = self.alice.status("acme")["result"]["rotation"]
        return rotation["state"] == "notified" and rotation["rotation_id"]

    def test_a_plain_secret_in_an_import(self):
        params = {"kind": "oauth2_client_secret", "group": "integrators"}
        for item in ({"secret": PLAIN}, {"sealed": jws.b64(PLAIN.encode())}, {"Client-Secret": PLAIN}, {"api_key": PLAIN}):
            claims = jws.claims("credential.import", params={**params, "items": [{"client_id": "legacy", **item}]})
            self.assert_refused(self.carol.token(claims, "carol"), claims, "invalid", "")
        self.redis.save()  # what Redis holds in memory is then in a file and looked through with the others

    def test_claims_that_are_not_a_command(self):
        claims = jws.claims("status", credential="acme")
        for changed, saying in (({"cmd": "become.root"}, "unknown command"), ({"cmd": 7}, "`cmd` is missing"),
                                ({"credential": "a b"}, "`credential`"), ({"params": []}, "`params`"),
                                ({"extra": 1}, "`extra`"), ({"iat": "now"}, "`iat`"), ({"idp_proof": "x.y.z"}, "idp_proof")):
            bad = {**claims, **changed}
            answer = self.ask(self.carol.token(bad, "carol"), claims["jti"])
            self.assertEqual(answer["status"], "rejected", changed)
            self.assertIn(saying, answer["detail"])
        nested = json.loads("[" * 20 + "]" * 20)
        self.publish(self.carol.token({**claims, "params": {"deep": nested}}, "carol"))
        signed = jws.b64(b'{"alg":"EdDSA","typ":"shearline-command+jwt","kid":"carol"}') + "." + jws.b64(
            b'{"jti":"%s","jti":"%s"}' % (claims["jti"].encode(), claims["jti"].encode()))
        self.publish(signed + "." + jws.b64(self.carol.sign(signed.encode())))
        self.assertEqual(self.alice.status("acme")["result"]["client_id"], "acme")
        self.assert_nothing_changed()

    def test_commands_that_are_not_there_yet_say_so(self):
        """What the README calls "not yet", on the wire."""
        for cmd in ("rollback", "approve", "reject", "credential.suspend", "credential.resume", "credential.update", "credential.destroy",
                    "group.remove", "admin.revoke", "gateway.enroll", "policy.set", "pepper.add", "pepper.promote"):
            claims = jws.claims(cmd, credential="acme")
            self.assert_refused(self.carol.token(claims, "carol"), claims, "policy_violation", "this engine does not do `%s` yet" % cmd)

    # ---- bytes ----

    def test_more_than_64_kib(self):
        claims = jws.claims("status", credential="acme", justification="")
        room = 65536 - len(self.carol.token(claims, "carol"))
        fits = {**claims, "justification": "x" * (room * 3 // 4 - 4)}
        token = self.carol.token(fits, "carol")
        self.assertLessEqual(len(token), 65536)
        self.assertEqual(self.ask(token, claims["jti"])["code"], "invalid")  # the text is too long, the command is not
        for _ in range(100):
            self.publish("x" * 65537)
        wait_for("a line", lambda: "command_too_long" in self.engine.said())
        self.alice.status("acme")
        self.assertEqual(self.engine.said().count("command_too_long"), 1, "a flood of messages is no flood of lines")
        self.assert_nothing_changed()

    def test_ten_thousand_garbage_messages(self):
        lines = self.engine.said().count("\n")
        pipeline = self.redis.pipeline(transaction=False)
        for i in range(10000):
            pipeline.publish("shearline:commands", os.urandom(i % 600))
        pipeline.execute()
        self.assertEqual(self.alice.status("acme")["result"]["client_id"], "acme")
        self.assert_nothing_changed()
        self.assertLess(self.engine.said().count("\n") - lines, 10, "a flood of messages is no flood of lines")

        def told():
            refusals = [entry["event"] for entry in self.engine.audit() if entry["event"]["type"] == "command.refused"]
            return sum(int(count) for event in refusals for who, count in event["detail"].items() if who == "stranger/invalid") >= 1000
        wait_for("the refusals on record, counted", told)

    def test_messages_of_every_odd_kind(self):
        for message in (b"", b".", b"..", b"...", b"\0" * 100, b"{}", b"\xff" * 64, b"a.b.c", b"eyJ9.eyJ9.", b"*1\r\n$4\r\nPING\r\n"):
            self.publish(message)
        self.alice.status("acme")
        self.assert_nothing_changed()

    def test_more_commands_than_an_admin_may_send(self):
        """Two thousand good reads of one admin: some are told to wait, and another admin is served at once."""
        claims = jws.claims("status", credential="acme")
        token = self.carol.token(claims, "carol")
        with self.redis.pubsub(ignore_subscribe_messages=True) as channel:
            channel.subscribe("shearline:replies:" + claims["jti"])
            channel.get_message(timeout=5)
            for _ in range(20):
                pipeline = self.redis.pipeline(transaction=False)
                for _ in range(100):
                    pipeline.publish("shearline:commands", token)
                pipeline.execute()
                self.assertTrue(wait_for("an answer", lambda: channel.get_message(timeout=1)))

            def limited():
                heard = channel.get_message(timeout=1)
                return heard and jws.verify_answer(heard["data"], token, self.engine_key)["code"] == "rate_limited"
            wait_for("word that it is too much", limited)
            started = time.monotonic()
            self.alice.status("acme")
            self.assertLess(time.monotonic() - started, 10)
        self.assert_nothing_changed()


if __name__ == "__main__":
    unittest.main(verbosity=2)
