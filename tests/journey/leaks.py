"""Where a secret could be found that should be nowhere, and every spelling to look for it in: files, a process's memory, what
went over the channels. Used by the sweep, by tests of bad input, and, in a light form, after every strike of the kill series."""

import base64
import os

SECRET_BYTES_MAX = 512
SMALL_FILE_BYTES = 65536  # read whole each time: it may be rewritten in place


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


def memory_of(pid):
    """Every readable private or shared mapping of a process."""
    with open("/proc/%d/maps" % pid, encoding="ascii") as maps, open("/proc/%d/mem" % pid, "rb", 0) as memory:
        for line in maps:
            span, rights, *rest = line.split()
            if "r" not in rights or rest[-1].startswith(("[vvar", "[vsyscall")):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            try:
                memory.seek(start)
                yield "memory %s %s" % (span, rest[-1]), memory.read(end - start)
            except OSError:
                continue  # a guard page, a ring's registers


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
    """The files in which one of them stands: logs, trails, what Redis wrote. Admins hold their secrets in folders of their own."""
    wanted = [secret if isinstance(secret, bytes) else secret.encode() for secret in secrets]
    assert all(len(secret) >= 8 for secret in wanted), "a short text may stand anywhere"
    own = [admin.folder for admin in deployment.admins]
    found = []
    for root, _, names in os.walk(deployment.folder):
        if any(root == folder or root.startswith(folder + os.sep) for folder in own):
            continue
        for path in (os.path.join(root, name) for name in names):
            if os.path.isfile(path) and path not in deployment.secret_files:
                with open(path, "rb") as content:
                    text = content.read()
                found += ["%s in %s" % (secret[:4] + b"...", path) for secret in wanted if secret in text]
    return found
