"""Reads what stands in Redis with nothing of ours: records, changes, the trail beside them, and checks them against the
model (model.md) by itself, from the first change of a credential to its last.

The MACs are the engine's business: a node that loads a record whose MAC is wrong refuses the partition.
"""

import collections
import hashlib
import json
import struct

ZERO = "0" * 64
PREFIX_BYTES = 40  # revision and MAC
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ENDED = ("retired", "revoked", "destroyed")
OPEN = ("requested", "awaiting_approval", "prepared", "notified")
MAY_BECOME = {
    "pending": {"current", "destroyed", "revoked"},
    "current": {"grace", "retired", "revoked"},
    "grace": {"retired", "revoked"},
    "retired": {"destroyed"},
    "revoked": {"destroyed"},
    "destroyed": set(),
}
FACTS = ("rotation.acknowledged",)  # events that change no state
TIMES = {"ca", "nb", "na", "pa", "ea", "ra", "no", "dl", "pr", "lr", "ex"}


def ulid(data):
    value = int.from_bytes(data, "big")
    return "".join(CROCKFORD[value >> shift & 31] for shift in range(125, -1, -5))


# ---- msgpack, as much of it as records and envelopes use ----

LENGTHS = {0xc4: ">B", 0xc5: ">H", 0xc6: ">I", 0xd9: ">B", 0xda: ">H", 0xdb: ">I", 0xdc: ">H", 0xdd: ">I", 0xde: ">H", 0xdf: ">I"}
NUMBERS = {0xcc: ">B", 0xcd: ">H", 0xce: ">I", 0xcf: ">Q", 0xd0: ">b", 0xd1: ">h", 0xd2: ">i", 0xd3: ">q"}
WORDS = {0xc0: None, 0xc2: False, 0xc3: True}


def unpack(data):
    value, end = _value(data, 0)
    if end != len(data):
        raise ValueError("%d bytes behind the value" % (len(data) - end))
    return value


def _value(data, at):
    head = data[at]
    at += 1
    if head < 0x80 or head >= 0xe0:
        return (head if head < 0x80 else head - 256), at
    if head in WORDS:
        return WORDS[head], at
    if head in NUMBERS:
        return struct.unpack_from(NUMBERS[head], data, at)[0], at + struct.calcsize(NUMBERS[head])
    if head in LENGTHS:
        count, = struct.unpack_from(LENGTHS[head], data, at)
        at += struct.calcsize(LENGTHS[head])
        kind = "bytes" if head <= 0xc6 else "text" if head <= 0xdb else "array" if head <= 0xdd else "map"
    else:
        kind, count = ("map", head & 15) if head < 0x90 else ("array", head & 15) if head < 0xa0 else ("text", head & 31)
    if kind in ("bytes", "text"):
        part = data[at:at + count]
        if len(part) != count:
            raise ValueError("cut short")
        return (part if kind == "bytes" else part.decode()), at + count
    values = []
    for _ in range(count * (2 if kind == "map" else 1)):
        value, at = _value(data, at)
        values.append(value)
    return (dict(zip(values[::2], values[1::2])) if kind == "map" else values), at


# ---- one partition ----

class Broken(AssertionError):
    """What is stored is not what the model allows."""


def hold(condition, what, *about):
    if not condition:
        raise Broken(what % about if about else what)


class Change(collections.namedtuple("Change", "counter field value")):
    @property
    def revision(self):
        return int.from_bytes(self.value[:8], "big")

    @property
    def record(self):
        return unpack(self.value[PREFIX_BYTES:])

    @property
    def hash(self):
        return hashlib.sha256(self.value).hexdigest()


def history_of(client, tag):
    """Every change of a partition since its first: numbered without holes, every record's revisions 1, 2, 3 ..., and the
    newest of each is what stands in the hash."""
    changes = [Change(int(entry.split(b"-")[0]), fields[b"field"].decode(), fields[b"value"])
               for entry, fields in client.xrange("shearline:%s:changes" % tag)]
    hold([change.counter for change in changes] == list(range(1, len(changes) + 1)), "%s: its changes have holes", tag)
    newest = {}
    for change in changes:
        before = newest[change.field].revision if change.field in newest else 0
        hold(change.revision == before + 1, "%s went from revision %d to %d", change.field, before, change.revision)
        newest[change.field] = change
    stored = client.hgetall("shearline:%s:records" % tag)
    hold(stored == {field.encode(): change.value for field, change in newest.items()},
         "%s: the records are not what the changes lead to", tag)
    return changes


def stored_credential(client, tag, client_id):
    """The credential as it stands, or None."""
    value = client.hget("shearline:%s:records" % tag, "credential:" + client_id)
    return unpack(value[PREFIX_BYTES:]) if value else None


def state_counts(credential):
    return dict(collections.Counter(version["s"] for version in credential["vs"]))


# ---- one credential ----

def check_state(credential):
    """What model.md says of a credential at any one moment."""
    counts = collections.Counter(version["s"] for version in credential["vs"])
    for state in ("pending", "current", "grace"):
        hold(counts[state] <= 1, "%d versions are %s", counts[state], state)
    for version in credential["vs"]:
        ends = version.get("na") is not None
        hold(ends == (version["s"] != "current"), "a version that is %s %s an end", version["s"], "has" if ends else "is without")
        hold((version["s"] in ENDED) == ("ea" in version), "a version that is %s says when it ended", version["s"])
        hold((version["s"] == "destroyed") == (version["d"] == bytes(32)), "a digest of a version that is %s", version["s"])
    rotation = credential.get("ro")
    pending = [version["id"] for version in credential["vs"] if version["s"] == "pending"]
    ended = [one[0] for one in credential.get("en", ())]
    hold(len(set(ended)) == len(ended), "a rotation ended twice")
    hold(bool(pending) == (rotation is not None and rotation["s"] in OPEN), "a pending version and an open rotation go together")
    if rotation is None:
        return
    hold(rotation["id"] not in ended, "the rotation at hand has ended before")
    hold(rotation["s"] in OPEN + ("promoted",), "a rotation that is %s is still at hand", rotation["s"])
    if pending:
        hold(pending == [rotation["ver"]], "the pending version is not its rotation's")
    else:
        hold(len(rotation["ak"]) >= rotation.get("q", 1), "promoted short of its quorum")
        old = next(version for version in credential["vs"] if version["s"] == "grace")
        hold(old["na"] == rotation["pr"] + rotation["gr"], "the window is not the promotion's time and the grace")


def check_step(before, after):
    """What may lie between one stored state and the next."""
    was = {version["id"]: version for version in before["vs"]} if before else {}
    now = {version["id"]: version for version in after["vs"]}
    hold(set(was) <= set(now), "a version is gone")
    hold(len(now) - len(was) <= 1, "one step brought several versions")
    for key, version in was.items():
        follower = now[key]
        hold(follower["s"] == version["s"] or follower["s"] in MAY_BECOME[version["s"]] or
             (version["s"], follower["s"]) == ("pending", "grace"), "a version went from %s to %s", version["s"], follower["s"])
        hold(follower["d"] == version["d"] or follower["s"] == "destroyed", "a version's digest was changed")
    for version in was.values():
        if version["s"] == "current" and now[version["id"]]["s"] != "current":
            follows = any(one["s"] == "current" and one["id"] != version["id"] for one in after["vs"])
            hold(follows or now[version["id"]]["s"] == "revoked", "the client is locked out")
    open_before = before and before.get("ro") and before["ro"]["s"] in OPEN and before["ro"]["id"]
    open_after = after.get("ro") and after["ro"]["s"] in OPEN and after["ro"]["id"]
    if open_before and open_after:
        hold(open_before == open_after, "a second rotation took the place of an open one")


def subjects_of(credential):
    """What an event can be about, and its state."""
    states = {"credential": {"fresh": "new"}.get(credential["s"], credential["s"])}
    states.update(("version " + ulid(version["id"]), version["s"]) for version in credential["vs"])
    states.update(("rotation " + ulid(one[0]), one[1]) for one in credential.get("en", ()))
    if credential.get("ro"):
        states["rotation " + ulid(credential["ro"]["id"])] = credential["ro"]["s"]
    return states


def check_events(states, change, lines):
    """The events that were written with a change lead every state from what it was to what it is, one for each step, and name
    this very record."""
    hold([line["index"] for line in lines] == list(range(len(lines))), "change %d has events %s", change.counter,
         [line["index"] for line in lines])
    for line in lines:
        event = line["event"]
        hold(line["record"] == change.hash, "%s was written with another record", event["type"])
        kind = event["type"].split(".")[0]
        subject = kind if kind == "credential" else kind + " " + event[kind + "_id"]
        hold(states.get(subject, "") == event.get("before", ""), "%s of %s starts from what it was not", event["type"], subject)
        hold(event["type"] in FACTS or event.get("before", "") != event.get("after", ""), "%s changes nothing", event["type"])
        states[subject] = event["after"]
    hold(states == subjects_of(change.record), "after change %d the events lead to %s, but it is %s", change.counter, states,
         subjects_of(change.record))


def check_credential(changes, trail, partition, client_id):
    """Its whole life: every state, every step, and exactly one event for every change of state. The events, oldest first."""
    before, states, events = None, {}, []
    for change in changes:
        if change.field != "credential:" + client_id:
            continue
        after = change.record
        check_state(after)
        check_step(before, after)
        lines = sorted((line for line in trail if (line["partition"], line["counter"]) == (partition, change.counter)),
                       key=lambda line: line["index"])
        check_events(states, change, lines)
        events += lines
        before = after
    about = [line for line in trail if line["event"].get("subject") == client_id]
    hold(sorted(line["seq"] for line in about) == sorted(line["seq"] for line in events), "%s has events without a change", client_id)
    return [line["event"] for line in events]


def without_ids(value, known=None, name=""):
    """A record or an event in a form in which two runs can be compared: ids become numbers in the order they come in, times
    and what is random only say that they are there."""
    known = {} if known is None else known
    if isinstance(value, dict):
        return {key: without_ids(one, known, key) for key, one in sorted(value.items()) if key not in ("an", "tg")}
    if isinstance(value, list):
        return [without_ids(one, known) for one in value]
    if name in TIMES:
        return "set"
    if isinstance(value, bytes):
        if len(value) != 16:
            return "nothing" if not any(value) else "bytes"
        return known.setdefault(value, "#%d" % len(known))
    return "time" if isinstance(value, int) and value > 1 << 40 else value


def outline_of(events):
    """The same for events: what happened, in which order, through whom."""
    known = {}
    return [(event["type"], event.get("before"), event.get("after"), event["who"],
             *(known.setdefault(event[name], "#%d" % len(known)) for name in ("version_id", "rotation_id") if name in event))
            for event in events]


# ---- the trail ----

def check_trail(text):
    """The lines of an audit file: whole, numbered, each naming the hash of the one before it, no event twice."""
    hold(text == "" or text.endswith("\n"), "the last line is torn")
    before, lines, ids = ZERO, [], set()
    for number, line in enumerate(text.splitlines(), 1):
        entry = json.loads(line)
        hold(entry["seq"] == number, "line %d says it is line %d", number, entry["seq"])
        hold(entry["prev"] == before, "line %d does not follow the one before it", number)
        for name in (entry["id"], entry["event"]["id"], (entry["partition"], entry["counter"], entry["index"])):
            hold(name not in ids, "line %d: %s stands there twice", number, name)
            ids.add(name)
        before = hashlib.sha256(line.encode()).hexdigest()
        lines.append(entry)
    return lines
