"""One deployment that lives through many strikes: makes a change, strikes it at one step, waits until all is quiet again, and
checks what every crash must leave behind. Used by the kill series; knows the kinds of change only by their face (changes.py).
"""

import collections
import contextlib
import json
import os
import secrets

import redis.exceptions

import records
from aftermath import Aftermath
from deployment import Deployment, Impatient, wait_for
from prober import Prober, now_ms
from proxy import BEFORE_COMMAND, Proxy
from steps import Steps, is_read, needs_a_fresh_engine, needs_forgotten_scripts
from store import Store, partition_of

RULES = """bootstrap = true
commands_per_minute_per_admin = 100000
[class.default]
minimum_interval = "0"
ack_deadline = "1m"
"""
FACTS = ("--group", "integrators", "--owner", "acme", "--service", "billing", "--environment", "staging", "--tenant", "acme",
         "--classification", "internal")
STOCK = 12  # credentials brought in at once
ATTEMPTS = 4
EXPIRIES = 18  # side by side, each in time for one strike: enough for all steps on a quiet machine
EXPIRIES_MORE = 8
EXPIRY_SPACING_MS = 3300
VICTIMS = ("engine", "redis", "connection")

# What one change came to: the names of its steps, and its end in a form that two runs share.
Unstruck = collections.namedtuple("Unstruck", "steps shape outline")


class Lane:
    def __init__(self, victim, name):
        self.victim = victim
        self.name = name
        self.doing = "%s: changes that nobody strikes" % victim
        self.stack = contextlib.ExitStack()
        self.there = Deployment(rules=RULES, redis_extra=("--rdbcompression", "no"))
        self.stack.callback(self.there.close)
        self.proxy = self.make_proxy("proxy.sock")
        self.admins_proxy = self.make_proxy("admins.sock")
        self.redis = self.there.redis.client()
        self.store = Store(self.redis)
        self.alice = self.there.alice
        self.alice.redis = self.admins_proxy.address
        self.start_engine()
        self.prober = Prober(lambda: self.engine.address)
        self.stack.callback(self.prober.stop)
        self.alice.run("group", "create", "integrators", "alice")
        self.stock = []
        self.expiries = collections.deque()  # rotations that nobody acknowledges, the first to expire first
        self.expired = 0
        self.ids = 0
        self.aftermath = Aftermath(self)

    def make_proxy(self, name):
        proxy = Proxy(os.path.join(self.there.folder, name), self.there.redis.socket)
        self.stack.callback(proxy.close)
        return proxy

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.stack.close()

    def told(self):
        return "--- log of the engine of %s (%s)\n%s" % (self.name, self.there.folder, self.engine.said()[-4000:])

    # ---- whom a strike hits, and how they come back ----

    def start_engine(self):
        self.engine = self.there.engine("engine-1", self.proxy.address)
        self.engine.wait_ready()

    def restart_engine(self):
        with self.prober.excused():
            self.engine.stop()
            leases = self.engine.said().count("lease_gained")
            self.start_engine()
            wait_for("the lease", lambda: self.engine.said().count("lease_gained") > leases)

    def strike(self):
        if self.victim == "engine":
            self.engine.kill()
        elif self.victim == "redis":
            self.there.redis.kill()

    def recover(self):
        if self.victim == "engine":
            self.start_engine()
        elif self.victim == "redis":
            self.there.redis.start()

    # ---- what changes need ----

    now_ms = staticmethod(now_ms)

    def fresh_id(self, prefix):
        self.ids += 1
        return "%s-%d" % (prefix, self.ids)

    @staticmethod
    def new_secret():
        return secrets.token_hex(24).encode()

    def create_arguments(self, client_id):
        return ("credential", "create", client_id, *FACTS)

    def import_file(self, pairs):
        path = os.path.join(self.alice.folder, self.fresh_id("import") + ".jsonl")
        with open(path, "w", encoding="utf-8") as out:
            for client_id, secret in pairs.items():
                out.write(json.dumps({"client_id": client_id, "secret": secret.decode()}) + "\n")
        return path

    @staticmethod
    def import_arguments(path, *options):
        return ("credential", "import", path, *FACTS, *options)

    def imported(self):
        """An active credential that nobody has touched: its id and its secret."""
        if not self.stock:
            pairs = {self.fresh_id("acme"): self.new_secret() for _ in range(STOCK)}
            self.alice.run(*self.import_arguments(self.import_file(pairs)))
            self.stock += pairs.items()
        client_id, secret = self.stock.pop()
        wait_for("an imported secret", lambda: self.engine.verify(client_id, secret) == "current")
        return client_id, secret

    def next_expiry(self, prepare):
        """A rotation whose deadline comes next. A deadline cannot be shorter than a minute, so many run side by side."""
        while self.expiries and self.expiries[0].window_ends < now_ms():
            self.expiries.popleft()  # a busy machine took too long over those before it
        if not self.expiries:
            first = now_ms()
            for number in range(EXPIRIES_MORE if self.expired else EXPIRIES):
                wait_for("the next rotation's turn", lambda: now_ms() >= first + number * EXPIRY_SPACING_MS)
                self.expiries.append(prepare())
        self.expired += 1
        return self.expiries.popleft()

    def wait_until_taken(self, change):
        """Its import has come round to the table, or is over already."""
        wait_for("an imported secret", lambda: not change.in_time() or
                 self.engine.verify(change.client_id, change.secrets["old"]) == "current")

    def stored(self, client_id):
        return records.stored_credential(self.redis, partition_of(client_id), client_id)

    def window_of(self, client_id, state):
        """When the window of its version in this state ends; None: there is none (any more)."""
        for version in self.stored(client_id)["vs"]:
            if version["s"] == state:
                return version["na"]
        return None

    # ---- one change ----

    def run_unstruck(self, kind):
        """The change with nobody in its way: by an engine that does everything for the first time, for all the scripts there can
        be, and then as usual. Reads are those of both: an engine that has just started looks around more than others."""
        change, first = self.run(kind, BEFORE_COMMAND, None, fresh=True)
        end = self.aftermath.check(change)
        change, usual = self.run(kind, BEFORE_COMMAND, None)
        records.hold(self.aftermath.check(change) == end, "%s ended in two ways", kind.__name__)
        names = [name for name in dict.fromkeys(first + usual) if not is_read(name) or name in first and name in usual]
        return Unstruck(names, *end)

    def run_struck(self, kind, side, step, unstruck):
        """Whether it was struck, and the steps until then. Raises for whatever a crash must not leave behind."""
        change, names = self.run(kind, side, step)
        struck = self.proxy.struck.is_set()
        shape, outline = self.aftermath.check(change)
        records.hold(shape == unstruck.shape, "the end is %s, without a strike it is %s", shape, unstruck.shape)
        records.hold(outline == unstruck.outline, "the events are %s, without a strike they are %s", outline, unstruck.outline)
        return struck, names

    def run(self, kind, side, step, fresh=False):
        """The change, struck at the step of this name if it comes to it, and the names of its steps until then. None: nobody is
        struck."""
        fresh_engine = fresh or needs_a_fresh_engine(step)
        scripts_forgotten = fresh or needs_forgotten_scripts(step)
        for attempt in range(ATTEMPTS):
            self.proxy.forget()
            self.admins_proxy.forget()
            if fresh_engine:
                self.restart_engine()
            change = kind(self)
            change.prepare(attempt)
            if change.in_time():
                self.wait_until_quiet(change)
                if scripts_forgotten:
                    self.redis.script_flush()
                steps = Steps(change.client_ids, step)
                self.back = False
                self.proxy.arm(steps.is_wanted, side, self.strike)
                if change.in_time():
                    break
                self.proxy.disarm()
                self.come_back()
            # The machine was too busy: its window was over before the change could be struck.
            self.wait_until_over(change)
            self.prober.bury()
        else:
            raise Impatient("%s was over each time before it could be struck" % kind.__name__)
        self.watch_over(change)
        return change, steps.names

    def watch_over(self, change):
        """Until the change has come to its end and all is quiet, whoever was struck back in the meantime."""
        commands = change.begin()

        def ended():
            self.come_back()
            return all(command.poll() is not None for command in commands) and self.at_its_end(change) and self.is_quiet(change)
        try:
            wait_for("the change to end", ended)
        except Impatient:
            for command in commands:
                if command.poll() is None:
                    command.kill()
            for command in commands:
                change.finish(command)
            raise
        self.proxy.disarm()
        self.come_back()
        for command in commands:
            change.finish(command)
        change.after()

    def come_back(self):
        if self.proxy.struck.is_set() and not self.back:
            self.back = True
            self.recover()

    def at_its_end(self, change):
        try:
            return all(end_of(self.stored(client_id)) == change.expected for client_id in change.client_ids)
        except redis.exceptions.RedisError:
            return False

    def is_quiet(self, change):
        """Every event is on disk, every envelope in its stream."""
        try:
            tags = {partition_of(client_id) for client_id in change.client_ids}
            return (not any(self.redis.xlen("shearline:%s:outbox" % tag) for tag in tags)
                    and not any("env" in ((self.stored(client_id) or {}).get("ro") or {}) for client_id in change.client_ids))
        except redis.exceptions.RedisError:
            return False

    def wait_until_over(self, change):
        """Nothing more will happen to it by itself."""
        def due(client_id):
            return self.redis.zscore("shearline:%s:due" % partition_of(client_id), "credential:" + client_id) or float("inf")
        wait_for("its window to end", lambda: all(due(client_id) > now_ms() + 600_000 for client_id in change.client_ids))
        self.wait_until_quiet(change)

    def wait_until_quiet(self, change):
        wait_for("all to be quiet", lambda: self.is_quiet(change))


def end_of(credential):
    """(status, states of its versions, state of its newest rotation)"""
    if credential is None:
        return None
    rotation = credential["ro"]["s"] if credential.get("ro") else credential["en"][0][1] if credential.get("en") else None
    return credential["s"], records.state_counts(credential), rotation
