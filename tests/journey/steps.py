"""What counts as a step of a change: decided here and nowhere else, used by the kill series to count, to strike and to tell what
it has struck. Sees commands on their way from an engine to Redis; knows nothing of strikes.

A step has a name that does not depend on what else goes on side by side: what it does, and the how-manyth of that it is in
this change, such as "put 2". Numbers alone would not do: which of two fibers comes first differs from run to run.
"""

import collections

from proxy import BEFORE_COMMAND
from store import partition_of

DEFINITION = """A step of a change is a command that the engine sends to Redis about
 - the partitions of its credentials: reads (records, outbox, due) and scripts (put, acknowledge),
 - a group's stream: scripts (raise the fence, append),
 - an answer to an admin (PUBLISH), the first time that it is sent.
A script that Redis does not know yet is sent once more with its text: a step of its own.
No steps: what goes on every second, change or no change (a follower waits for changes, compares the one it stands at, and reads
the head); the lease with the fences of partitions, and the clock; everything about {sys}.
Every step is struck before the command reaches Redis; every one that is no read also when Redis has carried it out and the
engine has not heard of it."""

SCRIPTS = {b":records": "put", b":outbox": "acknowledge", b":stream": "append", b":fence": "raise the fence"}
WITH_TEXT = " with its text"


class Steps:
    """The steps of one change as they go by, and the one that is waited for, if any."""

    def __init__(self, client_ids, wanted):
        self.wanted = wanted
        self.tags = [partition_of(client_id).encode() for client_id in client_ids] + [b"{g:"]
        self.names = []
        self.counts = collections.Counter()
        self.answered = set()

    def is_wanted(self, command):
        """Asked once about each command, in the order they come."""
        kind = self._kind_of(command)
        if kind is None:
            return False
        self.counts[kind] += 1
        self.names.append("%s %d" % (kind, self.counts[kind]))
        return self.names[-1] == self.wanted

    def _kind_of(self, command):
        verb = command[0].upper()
        if verb == b"PUBLISH":
            # Who hears nothing asks again and is told again.
            first = b":replies:" in command[1] and command[1] not in self.answered
            self.answered.add(command[1])
            return "answer" if first else None
        keys = keys_of(command)
        if not any(tag in key for tag in self.tags for key in keys) or goes_on_without_changes(verb, keys[0]):
            return None
        if verb in (b"EVAL", b"EVALSHA"):
            # A put touches the outbox as well; its main key says what it is.
            script = next(name for ending, name in SCRIPTS.items() if any(key.endswith(ending) for key in keys))
            return script + (WITH_TEXT if verb == b"EVAL" else "")
        return "read %s (%s)" % (keys[0].rsplit(b":", 1)[1].decode(), verb.decode())


def goes_on_without_changes(verb, key):
    return verb == b"XREAD" or key.endswith((b":head", b":changes")) or key.endswith(b":fence") and b"{g:" not in key


def keys_of(command):
    return [argument for argument in command if argument.startswith(b"shearline:")]


def is_read(name):
    """It leaves Redis as it was, so both sides of it are the same."""
    return name.startswith("read ")


def struck_on(side, names):
    """Those of these steps that are struck on this side."""
    return [name for name in names if side == BEFORE_COMMAND or not is_read(name)]


def needs_forgotten_scripts(name):
    return name is not None and WITH_TEXT in name


def needs_a_fresh_engine(name):
    """An engine raises the fence of a group once in its life."""
    return name is not None and name.startswith("raise the fence")
