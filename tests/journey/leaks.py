"""Where a secret could be found that should be nowhere, and every spelling to look for it in: files, a process's memory, what
went over the channels. Used by the sweep, by tests of bad input, and, in a light form, after every strike of the kill series."""

import base64
import os
import re
import signal

from deployment import wait_for

SECRET_BYTES_MAX = 512
SMALL_FILE_BYTES = 65536  # read whole each time: it may be rewritten in place
JWS = re.compile(rb"eyJ[\w-]*(?:\.[\w-]+){2}")  # in the compact form, anywhere in a text: its header begins with {"


def spellings(secret):
    """Plain, hex, and base64 at each of its three alignments (the middle that does not depend on neighbours)."""
    yield "plain", secret
    yield "hex", secret.hex().encode()
    yield "HEX", secret.hex().upper().encode()
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + secret)
        middle = whole[-(-shift * 8 // 6):len(whole) // 4 * 4 - 4]
        yield "base64 shifted by %d" % shift, middle
        yield "base64url shifted by %d" % shift, middle.translate(bytes.maketrans(b"+/", b"-_"))


def memory_of(process, whose):
    """Every mapping of a process that can hold anything, as (place, content); the places begin with whose it is. The process
    stands still meanwhile, so that nothing moves from where the look has not been to where it was."""
    pid = process.child.pid
    process.signal(signal.SIGSTOP)
    try:
        wait_for("it to stand still", lambda: stands_still(pid))
        with open("/proc/%d/maps" % pid, encoding="ascii") as maps, open("/proc/%d/mem" % pid, "rb", 0) as memory:
            return [("%s memory %s" % (whose, line.rstrip()), mapping_of(memory, line)) for line in maps if may_hold_something(line)]
    finally:
        process.signal(signal.SIGCONT)


def stands_still(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] == "T"


def may_hold_something(line):
    """All but what nobody can write or read: guard pages and room that is only reserved, the kernel's clock pages."""
    _, rights, *_, name = line.split()
    return "w" in rights or "r" in rights and not name.startswith(("[vvar", "[vsyscall"))


def mapping_of(memory, line):
    """The whole of it; raises for any that cannot be read, for a look that leaves something out shows nothing."""
    start, end = (int(part, 16) for part in line.split()[0].split("-"))
    memory.seek(start)
    content = bytearray()
    while len(content) < end - start:
        part = memory.read(end - start - len(content))
        if not part:
            raise AssertionError("not read to its end: " + line)
        content += part
    return bytes(content)


def files_under(folder):
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as content:
                    yield path, content.read()


def found_in(places, secrets):
    """(name, spelling, place) for each secret of {name: bytes} that stands in one of (place, content)."""
    return ["%s, %s, in %s" % (name, spelling, place)
            for name, secret in secrets.items() for spelling, text in spellings(secret)
            for place, content in places if text in content]


def parts_of_jws(token):
    """Its claims lie in base64url, which hides what stands in them: the token and what it holds."""
    yield token
    for part in token.split(b"."):
        try:
            yield base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
        except ValueError:
            continue


def opened(place, content):
    """A place as it is, and what the JWS in it hide."""
    yield place, content
    for token in JWS.findall(content):
        yield from (("a JWS in " + place, part) for part in parts_of_jws(token))


class NewBytes:
    """What was added to the files of a folder since the last look; small files are given whole."""

    def __init__(self, folder, leave_out):
        self.folder, self.leave_out = folder, leave_out
        self.seen = {}

    def take(self):
        places = []
        for root, _, names in os.walk(self.folder):
            if root.startswith(self.leave_out):
                continue
            for path in (os.path.join(root, name) for name in names):
                if not os.path.isfile(path) or os.path.islink(path):
                    continue
                size = os.path.getsize(path)
                start = self.seen.get(path, 0)
                if size < SMALL_FILE_BYTES or size < start:
                    start = 0
                with open(path, "rb") as content:
                    content.seek(max(0, start - 2 * SECRET_BYTES_MAX))
                    places.append((path, content.read()))
                self.seen[path] = size
        return places


def leaks(deployment, *secrets):
    """The files in which one of them stands in any spelling: logs, trails, what Redis wrote. Admins hold their secrets in folders
    of their own."""
    wanted = numbered(secrets)
    own = [admin.folder for admin in deployment.admins]
    found = []
    for root, _, names in os.walk(deployment.folder):
        if any(root == folder or root.startswith(folder + os.sep) for folder in own):
            continue
        for path in (os.path.join(root, name) for name in names):
            if os.path.isfile(path) and path not in deployment.secret_files:
                with open(path, "rb") as content:
                    found += found_in(list(opened(path, content.read())), wanted)
    return found


def numbered(secrets):
    """Secrets that have no names, as {name: bytes}."""
    wanted = [secret if isinstance(secret, bytes) else secret.encode() for secret in secrets]
    assert all(len(secret) >= 8 for secret in wanted), "a short text may stand anywhere"
    return {"secret %d (%s...)" % (number, secret[:4]): secret for number, secret in enumerate(wanted, 1)}
