"""What counts as a step of a change, and which of them must be struck: decided here and nowhere else, used by the kill series to
count, to strike and to tell what it has struck. Sees commands on their way from an engine to Redis; strikes nothing itself.

A step has a name that does not depend on what else goes on side by side: what it does, and the how-manyth of that it is in
this change, such as "put 2". Numbers alone would not do: which of two fibers comes first differs from run to run.
"""

import collections

from proxy import BEFORE_COMMAND
from store import partition_of

TRIES = 5  # until a step counts as one that does not come up
TRIES_OF_A_NEW_READ = 1
READS_LEFT_MAX = 1

DEFINITION = """A step of a change is a command that the engine sends to Redis about
 - the partitions of its credentials: reads (records, outbox, due) and scripts (put, acknowledge),
 - a group's stream: scripts (raise the fence, append),
 - an answer to an admin (PUBLISH), the first time that it is sent.
A script that Redis does not know yet is sent once more with its text: a step of its own.
No steps: what goes on every second, change or no change (a follower waits for changes, compares the one it stands at, and reads
the head); the lease with the fences of partitions, and the clock; everything about {sys}.
A step is struck before the command reaches Redis; one that is no read also when Redis has carried it out and the engine has not
heard of it. There is one strike in a run: what is sent after it, to recover, is not struck in its turn.
The series fails unless every step that a change took when nobody was struck has been struck, but for %d read at most of each kind
of change: how often an engine looks is not always the same. Two events that come at once are read at once, and a timer's last
look may come when the change is over. A script or an answer has no such excuse. Of a change's two runs that nobody strikes, reads
count that are in both, everything else that is in either. What has not come up after %d tries is left.
A step seen for the first time before a strike, or in a run in which the strike found nothing, came by chance: a lease lost on a
busy machine, a second look. It is tried as well, a read %d time and everything else %d times, told by name when it never came up
again, and no failure: chance need not repeat itself.
With SHEARLINE_KILL_EVERY=n only every n-th step is asked for, and none of those that come by chance.""" % (
    READS_LEFT_MAX, TRIES, TRIES_OF_A_NEW_READ, TRIES)

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


def tries_of_new(name):
    """How often one is tried that was not there when nobody was struck."""
    return TRIES_OF_A_NEW_READ if is_read(name) else TRIES


def struck_on(side, names):
    """Those of these steps that are struck on this side."""
    return [name for name in names if side == BEFORE_COMMAND or not is_read(name)]


def needs_forgotten_scripts(name):
    return name is not None and WITH_TEXT in name


def needs_a_fresh_engine(name):
    """An engine raises the fence of a group once in its life."""
    return name is not None and name.startswith("raise the fence")
