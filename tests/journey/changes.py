"""The kinds of change that the kill series strikes: how each is prepared, begun and what it must come to, whoever is killed
in the middle of it (model.md invariants 1 to 7 and 10).

A change is made once, on a credential of its own, in a Lane (kills_test.py) that offers an admin, a prober and the store.
"""

import collections
import os

from deployment import Refused, wait_for
from records import ulid

NOTHING = ()
NEAR_MS = 1500  # before a deadline: time to get ready, and not much more


class Kind:
    """One change on the way. `expected` is the credential's end: (status, states of its versions, its newest rotation)."""

    expected = None
    events = NOTHING  # what `begin` brings about, in the trail, as a multiset
    driven_by_time = False
    side_by_side = False  # others of its kind are under way in the same lane

    def __init__(self, lane):
        self.lane = lane
        self.alice = lane.alice
        self.secrets = {}  # by name: every plaintext there is

    @property
    def client_ids(self):
        return [self.client_id]

    def take_imported(self):
        """A credential that is active."""
        self.client_id, self.secrets["old"] = self.lane.imported()

    def watch(self, name, *verdicts):
        """The prober checks this secret from now on: it may hear only these verdicts, one after the other."""
        self.lane.prober.watch(name, self.client_id, self.secrets[name], verdicts)

    def receive(self, *options):
        """The secret of this credential from the inbox: a command that follows the group already."""
        followed = self.lane.admins_proxy.seen[b"XREAD"]
        self.folder = os.path.join(self.alice.folder, "received-" + self.client_id)
        inbox = self.alice.start("--answer-timeout", "50s", "inbox", "--once", "--group", "integrators", "--out", self.folder,
                                 "--timeout", "50s", *options)
        wait_for("the inbox", lambda: self.lane.admins_proxy.seen[b"XREAD"] > followed or inbox.poll() is not None)
        return inbox

    def received(self):
        names = os.listdir(self.folder)
        if len(names) != 1:
            raise AssertionError("the inbox wrote %s" % names)
        with open(os.path.join(self.folder, names[0]), "rb") as text:
            return text.read().strip()

    def finish(self, command):
        out, err = command.communicate(timeout=60)
        if command.returncode != 0:
            raise AssertionError((out + err).decode())

    def rotate_and_hold(self, *options):
        """A rotation that is notified, its secret here and not acknowledged."""
        self.alice.run("rotate", self.client_id, "--no-follow", *options)
        self.finish(self.receive("--no-ack"))
        self.secrets["new"] = self.received()

    def sent(self):
        """Every command that was sent for it, byte for byte."""
        return self.lane.admins_proxy.heard("shearline:commands")

    # ---- what kinds differ in ----

    def prepare(self, attempt):
        """All that comes before; nothing is struck yet."""

    def in_time(self):
        """Whether the change still lies ahead."""
        return True

    def begin(self):
        """Commands under way; all must end well."""
        return []

    def after(self):
        """Once the commands have ended: more to watch."""


class Create(Kind):
    expected = ("active", {"current": 1}, "completed")
    events = ("credential.created", "rotation.prepared", "version.pending", "rotation.notified", "rotation.acknowledged",
              "version.current", "rotation.promoted", "credential.active", "rotation.completed")

    def prepare(self, attempt):
        self.client_id = self.lane.fresh_id("created")
        self.inbox = self.receive()

    def begin(self):
        creating = self.alice.start("--answer-timeout", "50s", *self.lane.create_arguments(self.client_id))
        return [creating, self.inbox]

    def after(self):
        self.secrets["new"] = self.received()
        self.watch("new", "next", "current")


class Rotate(Kind):
    expected = ("active", {"current": 1, "grace": 1}, "promoted")
    events = ("rotation.prepared", "version.pending", "rotation.notified", "rotation.acknowledged", "version.grace",
              "version.current", "rotation.promoted")

    def prepare(self, attempt):
        self.take_imported()
        self.watch("old", "current", "grace")
        self.inbox = self.receive()

    def begin(self):
        rotating = self.alice.start("--answer-timeout", "50s", "rotate", self.client_id, "--grace", "1h", "--no-follow")
        return [rotating, self.inbox]

    def after(self):
        self.secrets["new"] = self.received()
        self.watch("new", "next", "current")


class Cancel(Kind):
    expected = ("active", {"current": 1, "destroyed": 1}, "canceled")
    events = ("version.destroyed", "rotation.canceled")

    def prepare(self, attempt):
        self.take_imported()
        self.watch("old", "current")
        self.rotate_and_hold("--grace", "1h")
        self.watch("new", "next", "rejected")

    def begin(self):
        rotation_id = ulid(self.lane.stored(self.client_id)["ro"]["id"])
        return [self.alice.start("--answer-timeout", "50s", "cancel", self.client_id, "--rotation", rotation_id)]


class Revoke(Kind):
    """All of a credential while a rotation is open: three things end at once."""

    expected = ("revoked", {"revoked": 2}, "canceled")
    events = ("version.revoked", "version.revoked", "rotation.canceled", "credential.revoked")

    def prepare(self, attempt):
        self.take_imported()
        self.watch("old", "current", "rejected")
        self.rotate_and_hold("--grace", "1h")
        self.watch("new", "next", "rejected")

    def begin(self):
        return [self.alice.start("--answer-timeout", "50s", "revoke", self.client_id)]


class DrivenByTime(Kind):
    """Nobody commands it: a window ends. The longer the machine needed to get ready, the longer the window."""

    driven_by_time = True
    window_ends = None

    def in_time(self):
        return self.lane.now_ms() < self.window_ends


class Expiry(DrivenByTime):
    """Nobody acknowledges; the deadline comes."""

    side_by_side = True
    expected = ("active", {"current": 1, "destroyed": 1}, "expired")
    events = ("version.destroyed", "rotation.expired")

    def notified(self):
        self.take_imported()
        sent = len(Kind.sent(self))
        self.rotate_and_hold("--grace", "1h")
        self.commands = Kind.sent(self)[sent:]
        self.window_ends = self.lane.window_of(self.client_id, "pending")
        return self

    def prepare(self, attempt):
        held = self.lane.next_expiry(lambda: Expiry(self.lane).notified())
        self.client_id, self.secrets, self.commands, self.window_ends = held.client_id, held.secrets, held.commands, held.window_ends
        if self.in_time():
            self.watch("old", "current")
            self.watch("new", "next", "rejected")
            wait_for("its deadline to be near", lambda: self.lane.now_ms() > self.window_ends - NEAR_MS, 60)

    def sent(self):
        return self.commands


class HardEnd(DrivenByTime):
    """A credential's own end, with a rotation open: three things end at once, at one moment."""

    expected = ("revoked", {"revoked": 1, "destroyed": 1}, "expired")
    events = ("version.destroyed", "rotation.expired", "version.revoked", "credential.revoked")

    def prepare(self, attempt):
        self.client_id = self.lane.fresh_id("ending")
        self.secrets["old"] = self.lane.new_secret()
        file = self.lane.import_file({self.client_id: self.secrets["old"]})
        try:
            self.alice.run(*self.lane.import_arguments(file, "--expires-at", "+%dms" % (1200 * 3 ** attempt)))
            self.window_ends = self.lane.stored(self.client_id)["ex"]
            self.lane.wait_until_taken(self)
            self.watch("old", "current", "rejected")
            self.rotate_and_hold("--grace", "1h")
            self.watch("new", "next", "rejected")
        except Refused:
            self.window_ends = 0  # it was over before


class GraceEnd(DrivenByTime):
    expected = ("active", {"current": 1, "retired": 1}, "completed")
    events = ("version.retired", "rotation.completed")

    def prepare(self, attempt):
        self.take_imported()
        self.alice.run("rotate", self.client_id, "--no-follow", "--grace", "%dms" % (500 * 4 ** attempt))
        self.finish(self.receive())
        self.secrets["new"] = self.received()
        self.window_ends = self.lane.window_of(self.client_id, "grace")
        if self.window_ends is None:
            self.window_ends = 0
        else:
            self.watch("old", "current", "grace", "rejected")
            self.watch("new", "next", "current")


class Import(Kind):
    """Several credentials by one command, each a record of its own."""

    expected = ("active", {"current": 1}, None)
    events = ("credential.imported", "version.current")

    def prepare(self, attempt):
        self.ids = [self.lane.fresh_id("brought") for _ in range(2)]
        for client_id in self.ids:
            self.client_id = client_id
            self.secrets[client_id] = self.lane.new_secret()
            self.watch(client_id, "rejected", "current")
        self.file = self.lane.import_file({client_id: self.secrets[client_id] for client_id in self.ids})

    @property
    def client_ids(self):
        return self.ids

    def begin(self):
        return [self.alice.start("--answer-timeout", "50s", *self.lane.import_arguments(self.file))]


KINDS = (Rotate, Create, Cancel, Revoke, HardEnd, GraceEnd, Import)  # Expiry takes a minute each, and a lane of its own


def events_of(kind):
    return collections.Counter(kind.events)
