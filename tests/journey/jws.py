"""Signed commands made by hand and the engine's answers checked by hand, with openssl and nothing of ours: what any other
JOSE library would do, and what somebody who means harm can do too."""

import base64
import hashlib
import json
import os
import secrets
import subprocess
import tempfile
import time

ED25519_DER_HEAD = bytes.fromhex("302a300506032b6570032100")  # RFC 8410: everything before the 32 bytes of the key
ULID_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def ulid():
    value = int(time.time() * 1000) << 80 | secrets.randbits(80)
    return "".join(ULID_DIGITS[value >> shift & 31] for shift in range(125, -1, -5))


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], capture_output=True, check=True).stdout


class Signer:
    """A key pair of openssl in a folder: Ed25519, or RSA for those who try."""

    def __init__(self, folder, algorithm="ED25519"):
        self.folder = folder
        self.algorithm = algorithm
        handle, self.pem = tempfile.mkstemp(suffix=".pem", dir=folder)
        os.close(handle)
        openssl("genpkey", "-algorithm", algorithm, "-out", self.pem)

    def public(self):
        return openssl("pkey", "-in", self.pem, "-pubout", "-outform", "DER")[-32:]

    def sign(self, data):
        with tempfile.NamedTemporaryFile(dir=self.folder) as message:
            message.write(data)
            message.flush()
            if self.algorithm == "RSA":
                return openssl("dgst", "-sha256", "-sign", self.pem, message.name)
            return openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.pem, "-in", message.name)

    def token(self, claims, kid, alg="EdDSA", typ="shearline-command+jwt"):
        signed = signing_input({"alg": alg, "typ": typ, "kid": kid}, claims)
        return signed + "." + b64(self.sign(signed.encode()))


def signing_input(header, claims):
    return b64(json.dumps(header).encode()) + "." + b64(json.dumps(claims).encode())


def claims(cmd, **more):
    """Of a command to the deployment of these tests, fresh."""
    now = int(time.time())
    return {"aud": "shearline:journey", "iat": now, "exp": now + 120, "jti": ulid(), "cmd": cmd, **more}


def public_file(signer, admin_id, person):
    """What `admin init` would print for these keys: the sealing key is the admin's only with a signature of the signing key."""
    sealing = openssl("pkey", "-in", Signer(signer.folder, "X25519").pem, "-pubout", "-outform", "DER")[-32:]
    statement = b"shearline v1 sealing key\0" + admin_id.encode() + b"\0" + sealing
    return json.dumps({"kind": "shearline-admin", "admin_id": admin_id, "person": person, "signing_key": b64(signer.public()),
                       "sealing_key": b64(sealing), "sealing_key_proof": b64(signer.sign(statement))})


def verify_answer(token, command, engine_key):
    """The claims of an answer, once openssl has agreed that this engine signed it for these very bytes."""
    text = token.decode() if isinstance(token, bytes) else token
    command = command if isinstance(command, bytes) else command.encode()
    head, body, signature = text.split(".")
    header = json.loads(unb64(head))
    assert (header["alg"], header["typ"]) == ("EdDSA", "shearline-reply+jwt"), header
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("key", "message", "signature")]
        for path, content in zip(paths, (ED25519_DER_HEAD + engine_key, (head + "." + body).encode(), unb64(signature))):
            with open(path, "wb") as out:
                out.write(content)
        openssl("pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", paths[0], "-rawin", "-in", paths[1], "-sigfile",
                paths[2])
    answer = json.loads(unb64(body))
    assert answer["command_sha256"] == b64(hashlib.sha256(command).digest()), "the answer to other bytes"
    return answer
