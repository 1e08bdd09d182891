"""Every kind of change with a SIGKILL at every step of it, of the engine, then of Redis, then with nobody killed and only the
connection cut; steps.py says what a step is, and what "every" comes to. After each strike the change ends as if nothing had
happened (model.md invariants 1 to 7 and 10), and no audit event is lost or doubled.

Several lanes work side by side, each a deployment of its own that lives through all its strikes: what is waited for is mostly
a lease that runs out. SHEARLINE_KILL_EVERY=n strikes only at every n-th step, for quick rounds; SHEARLINE_KILL_KINDS names
the kinds of change to strike.
"""

import os
import sys
import threading
import traceback
import unittest

import changes
import steps
from lane import VICTIMS, Lane
from proxy import BEFORE_ANSWER, BEFORE_COMMAND

EVERY = int(os.environ.get("SHEARLINE_KILL_EVERY", "1"))
WANTED = os.environ.get("SHEARLINE_KILL_KINDS", "").split()
LANES = 5


def wanted(kinds):
    return [kind for kind in kinds if not WANTED or kind.__name__ in WANTED]


class Target:
    """One step of one kind of change, on one side of it."""

    def __init__(self, kind, side, step, tries):
        self.kind, self.side, self.step, self.tries = kind, side, step, tries
        self.struck = False


class Plan:
    """Which kind is struck next at which step; lanes ask for work until every step of every kind has been struck or
    tried often enough."""

    def __init__(self, unstruck):
        self.unstruck = unstruck
        self.lock = threading.Lock()
        self.targets = {}
        for kind, run in unstruck.items():
            for side in (BEFORE_COMMAND, BEFORE_ANSWER):
                for step in steps.struck_on(side, run.steps)[::EVERY]:
                    self.targets[kind, side, step] = Target(kind, side, step, steps.TRIES)
        self.required = list(self.targets.values())
        self.waiting = list(self.targets.values())

    def take(self):
        with self.lock:
            return self.waiting.pop(0) if self.waiting else None

    def done(self, target, struck, seen):
        """`seen`: the steps there were until the strike. Those that are new are struck as well."""
        with self.lock:
            target.struck = struck
            target.tries -= 1
            if not struck and target.tries > 0:
                self.waiting.append(target)
            for side in (BEFORE_COMMAND, BEFORE_ANSWER) if EVERY == 1 else ():
                for step in steps.struck_on(side, seen):
                    if (target.kind, side, step) not in self.targets:
                        more = Target(target.kind, side, step, steps.tries_of_new(step))
                        self.targets[target.kind, side, step] = more
                        self.waiting.append(more)

    def told(self):
        """What was struck, a line for each kind and side, those that were not struck included."""
        for kind in self.unstruck:
            for side in (BEFORE_COMMAND, BEFORE_ANSWER):
                there = [target for target in self.targets.values() if (target.kind, target.side) == (kind, side)]
                struck = [target.step for target in there if target.struck]
                yield "%s struck at %d steps %s: %s; never came up again: %s" % (
                    kind.__name__, len(struck), side, ", ".join(struck) or "none",
                    ", ".join(target.step for target in there if not target.struck) or "none")

    def faults(self):
        """Why this was not every step."""
        for kind in self.unstruck:
            for side in (BEFORE_COMMAND, BEFORE_ANSWER):
                required = [target for target in self.required if (target.kind, target.side) == (kind, side)]
                left = [target.step for target in required if not target.struck]
                reads = [step for step in left if steps.is_read(step)]
                if len(left) == len(required):
                    yield "%s was never struck %s" % (kind.__name__, side)
                elif len(left) > len(reads) or len(reads) > steps.READS_LEFT_MAX:
                    yield "%s was not struck %s at: %s" % (kind.__name__, side, ", ".join(left))


class Series:
    """All lanes of one victim."""

    def __init__(self, victim):
        self.victim = victim
        self.failures = []
        self.plans = []
        self.longest_silence_s = 0.0

    def run(self):
        threads = []
        with Lane(self.victim, "lane-0") as first:
            threads += self.start(self.expiries, wanted([changes.Expiry]))
            plan = self.plan(first, wanted(changes.KINDS))
            for _ in range(LANES - 1):
                threads += self.start(lambda lane: self.strike_all(lane, plan), plan.required)
            self.guard(lambda lane: self.strike_all(lane, plan), first)
            for thread in threads:
                thread.join()

    def expiries(self, lane):
        self.strike_all(lane, self.plan(lane, [changes.Expiry]))

    def start(self, work, there_is_work):
        """A lane of its own on a thread of its own."""
        def run():
            try:
                with Lane(self.victim, threading.current_thread().name) as lane:
                    self.guard(work, lane)
            except Exception:
                self.failures.append("a lane was not set up: " + traceback.format_exc())
        if not there_is_work:
            return []
        thread = threading.Thread(target=run)
        thread.start()
        return [thread]

    def guard(self, work, lane):
        try:
            work(lane)
        except Exception:
            self.failures.append("%s\n%s\n%s" % (lane.doing, traceback.format_exc(), lane.told()))

    def plan(self, lane, kinds):
        """The steps of these kinds, and what they come to when nobody strikes them."""
        plan = Plan({kind: lane.run_unstruck(kind) for kind in kinds})
        self.plans.append(plan)
        return plan

    def strike_all(self, lane, plan):
        while not self.failures and (target := plan.take()):
            lane.doing = "%s: %s struck at %s, %s" % (self.victim, target.kind.__name__, target.step, target.side)
            struck, seen = lane.run_struck(target.kind, target.side, target.step, plan.unstruck[target.kind])
            plan.done(target, struck, seen)
            print(lane.doing if struck else lane.doing + ": it did not come up", file=sys.stderr, flush=True)
        if not plan.required:
            return
        lane.doing = "%s: at the end of a lane" % self.victim
        lane.aftermath.check_at_the_end()
        self.longest_silence_s = max(self.longest_silence_s, lane.prober.longest_silence_s)


class Kills(unittest.TestCase):
    def strike(self, victim):
        series = Series(victim)
        series.run()
        print("\n" + steps.DEFINITION, file=sys.stderr)
        for line in [line for plan in series.plans for line in plan.told()]:
            print("%s: %s" % (victim, line), file=sys.stderr)
        print("%s: the longest time that gateways waited: %.3f s" % (victim, series.longest_silence_s), file=sys.stderr, flush=True)
        self.assertEqual(series.failures, [], "\n\n" + "\n\n".join(series.failures))
        self.assertEqual([fault for plan in series.plans for fault in plan.faults()], [])
        struck = {target.kind for plan in series.plans for target in plan.required}
        self.assertEqual(struck, set(wanted((*changes.KINDS, changes.Expiry))))


for name in VICTIMS:
    setattr(Kills, "test_" + name, lambda self, name=name: self.strike(name))

if __name__ == "__main__":
    unittest.main(verbosity=2)
