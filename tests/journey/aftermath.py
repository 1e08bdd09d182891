"""What every crash must leave behind, seen from outside: the checks that a lane makes after each of its strikes (model.md
invariants 1 to 7 and 10). Knows nothing of strikes.
"""

import collections
import json
import os
import time

import jws
import leaks
import records
from changes import events_of
from deployment import PATIENCE, Impatient, wait_for
from records import hold
from store import partition_of

READS = ("status", "list", "history")
ATTEMPTS = 4


class Aftermath:
    def __init__(self, lane):
        self.lane = lane
        self.new_bytes = leaks.NewBytes(lane.there.folder, leave_out=lane.alice.folder)
        self.known_secrets = {}

    def check(self, change):
        """Every promise that can be seen from outside. The change's end and its events, in a form that runs share."""
        self.check_repeated_commands(change)
        self.lane.wait_until_quiet(change)
        shape, outline = self.check_what_is_stored(change)
        self.check_verdicts(change)
        self.check_that_nothing_leaked(change)
        hold(self.lane.engine.running(), "the engine ended")
        hold("alarm" not in self.lane.engine.said(), "the engine raised an alarm")
        return shape, outline

    def check_repeated_commands(self, change):
        """Invariant 4: every command once more, byte for byte: the same answer, and nothing changed."""
        for attempt in range(ATTEMPTS):
            self.lane.wait_until_quiet(change)
            before = self.state_around(change)
            self.repeat_commands(change)
            after = self.state_around(change)
            if before == after:
                return
            # A timer that had read the index of deadlines before the change was made writes the record once more as it is. A
            # command that writes does so every time, and one that changes something is seen at once.
            hold(meaning_of(before) == meaning_of(after), "repeated commands changed %s", changed_between(before, after))
        hold(False, "repeated commands wrote %s", changed_between(before, after))

    def state_around(self, change):
        """All that is stored; only the change's own records where others go on by themselves meanwhile."""
        if not change.side_by_side:
            return self.lane.store.state()
        key = "shearline:%s:records"
        return {key % tag: {client_id: self.lane.redis.hget(key % tag, "credential:" + client_id)}
                for client_id in change.client_ids for tag in [partition_of(client_id)]}

    def repeat_commands(self, change):
        for token in dict.fromkeys(change.sent()):
            claims = json.loads(jws.unb64(token.split(b".")[1].decode()))
            if claims["cmd"] in READS:
                continue
            channel = "shearline:replies:" + claims["jti"]
            heard = [answer_of(answer) for answer in self.lane.proxy.heard(channel)]
            if heard and all(answer["status"] == "rejected" for answer in heard):
                continue  # refused, so not carried out: to send it again is to ask anew
            answered = len(heard)
            self.lane.redis.publish("shearline:commands", token)
            self.repeat_until(token, lambda: len(self.lane.proxy.heard(channel)) > answered)
            answers = [answer_of(answer) for answer in self.lane.proxy.heard(channel)]
            taken = [answer for answer in answers if answer["status"] != "rejected"]
            hold(taken and answers[-len(taken):] == taken, "%s was answered %s", claims["cmd"], answers)
            hold(all(answer == taken[0] for answer in taken), "%s was answered %s", claims["cmd"], taken)

    def repeat_until(self, token, answered):
        """Nobody may hold the lease yet: as the protocol says, who hears nothing sends the same bytes again."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return wait_for("an answer to a repeated command", answered, 1)
            except Impatient:
                if time.monotonic() > end:
                    raise
                hold(self.lane.engine.running(), "the engine ended")
                self.lane.redis.publish("shearline:commands", token)

    def check_what_is_stored(self, change):
        """Invariants 1, 3, 4, 5, 7 and 10, from the first change of the credential to its last."""
        trail = records.check_trail(wait_for("whole lines in the audit file", self.whole_audit_file))
        shapes, outlines = [], []
        for client_id in change.client_ids:
            tag = partition_of(client_id)
            changes = records.history_of(self.lane.redis, tag)
            events = records.check_credential(changes, trail, int(tag[2:4]), client_id)
            newest = events[-len(change.events):]
            hold(collections.Counter(event["type"] for event in newest) == events_of(change), "the events of %s are %s",
                 client_id, [event["type"] for event in newest])
            self.check_its_deadline(tag, client_id)
            shapes.append(records.without_ids({**self.lane.stored(client_id), "id": ""}))
            outlines.append(records.outline_of(events))
        self.check_stream()
        return shapes, outlines

    def whole_audit_file(self):
        """Its text; empty while a line is just being written."""
        with open(os.path.join(self.lane.engine.data, "audit.jsonl"), encoding="utf-8") as text:
            lines = text.read()
        return lines if lines.endswith("\n") else ""

    def check_its_deadline(self, tag, client_id):
        """The index of deadlines says when to look at this record again; one that is missing would never end a window."""
        credential = self.lane.stored(client_id)
        windows = [version["na"] for version in credential["vs"] if version["s"] in ("pending", "grace")]
        due = self.lane.redis.zscore("shearline:%s:due" % tag, "credential:" + client_id)
        if windows:
            hold(due == min(windows), "%s is due at %s, its windows end at %s", client_id, due, windows)

    def check_stream(self):
        """An envelope may be sent twice, but only the same one."""
        seen = {}
        for _, fields in self.lane.redis.xrange("shearline:{g:integrators}:stream"):
            envelope = fields[b"envelope"]
            hold(seen.setdefault(records.unpack(envelope)["id"], envelope) == envelope, "two envelopes share an id")

    def check_verdicts(self, change):
        """Invariants 1, 2 and 7: what gateways heard all the while, and hear at last."""
        heard = self.lane.prober.watched
        for name, one in list(heard.items()):
            wait_for("%s to be %s" % (name, one.allowed[-1]),
                     lambda one=one: one.fault() or one.verdicts[-1:] == [one.allowed[-1]])
        rounds = self.lane.prober.rounds
        wait_for("gateways to have asked again", lambda: self.lane.prober.rounds >= rounds + 2)
        for name, one in self.lane.prober.bury().items():
            hold(one.fault() is None, "the %s secret: %s", name, one.fault())
            if change.driven_by_time and "rejected" in one.allowed:
                hold(one.window_fault(change.window_ends) is None, "the %s secret: %s", name, one.window_fault(change.window_ends))
        hold(not self.lane.prober.revived, "accepted again: %s", self.lane.prober.revived)
        if self.lane.victim != "engine":  # it verifies from memory, whoever else is away
            hold(self.lane.prober.fault() is None, "gateways were %s", self.lane.prober.fault())

    def check_that_nothing_leaked(self, change):
        """Invariant 6, as far as files and channels show it; memory is the sweep's (sweep_test.py)."""
        self.known_secrets.update(("%s of %s" % (name, change.client_id), secret) for name, secret in change.secrets.items())
        places = self.new_bytes.take()
        for proxy in (self.lane.proxy, self.lane.admins_proxy):
            for channel, messages in list(proxy.published.items()):
                places += [(channel, part) for message in messages for part in leaks.parts_of_jws(message)]
        found = leaks.found_in(places, self.known_secrets)
        hold(not found, "found: %s", found)

    def check_at_the_end(self):
        """Once a lane: the whole of what lies on disk, Redis' dump and memory included, and that a leak would have been seen."""
        self.lane.redis.save()
        places = [place for place in leaks.files_under(self.lane.there.folder) if not place[0].startswith(self.lane.alice.folder)]
        for end in ("dump.rdb", ".aof", "audit.jsonl"):
            hold(any(path.endswith(end) and b"credential" in content for path, content in places), "no %s was looked at", end)
        memory = leaks.memory_of(self.lane.there.redis.process, "Redis")
        hold(any(b"credential:" in content for _, content in memory), "Redis' memory was not looked at")
        places += memory
        joined = [("what is on disk and in Redis", b"\0".join(content for _, content in places))]
        found = leaks.found_in(joined, self.known_secrets)
        hold(not found, "found: %s", found)


def meaning_of(state):
    """What is stored, but for how often it was written: revisions, heads, the changes and the nonces under which tags are sealed."""
    def opened(value):
        record = records.unpack(value[records.PREFIX_BYTES:])
        record.get("ro", {}).pop("tg", None)
        return record

    def is_open(name):
        return name.endswith(":records") and "{sys}" not in name
    return {name: {field: opened(value) for field, value in content.items()} if is_open(name) else content
            for name, content in state.items() if not name.endswith((":head", ":changes"))}


def changed_between(before, after):
    return [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]


def answer_of(token):
    """What an answer says, without the moment it was signed at. An import's answer counts what it finds in already."""
    claims = json.loads(jws.unb64(token.split(b".")[1].decode()))
    if isinstance(claims.get("result"), dict):
        claims["result"].pop("repeated", None)
    return {name: value for name, value in claims.items() if name not in ("iat", "exp")}
