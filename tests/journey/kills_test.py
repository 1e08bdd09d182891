"""Every kind of change with a SIGKILL at every step of it, of the engine, then of Redis, then with nobody killed and only the
connection cut. After each strike the change ends as if nothing had happened (model.md invariants 1 to 7 and 10), and no audit
event is lost or doubled.

Several lanes work side by side, each a deployment of its own that lives through all its strikes: what is waited for is mostly
a lease that runs out. SHEARLINE_KILL_EVERY=n strikes only at every n-th step, for quick rounds; SHEARLINE_KILL_KINDS names
the kinds of change to strike.
"""

import collections
import os
import sys
import threading
import traceback
import unittest

import changes
from lane import VICTIMS, Lane

EVERY = int(os.environ.get("SHEARLINE_KILL_EVERY", "1"))
WANTED = os.environ.get("SHEARLINE_KILL_KINDS", "").split()
LANES = 5
STEPS_MAX = 200
SLACK = 4


def wanted(kinds):
    return [kind for kind in kinds if not WANTED or kind.__name__ in WANTED]


class Plan:
    """Which kind is struck next at which step; lanes ask for work until every step of every kind has been struck."""

    def __init__(self, unstruck):
        self.unstruck = unstruck
        self.lock = threading.Lock()
        # (kind, side) -> the last step there is, as far as is known
        self.last = {(kind, side): steps for kind, run in unstruck.items() for side, steps in run.steps.items()}
        self.next = dict.fromkeys(self.last, 1)
        self.struck = collections.defaultdict(set)

    def take(self):
        with self.lock:
            for work in sorted(self.next, key=lambda work: self.next[work] / self.last[work]):
                step = self.next[work]
                if step <= min(self.last[work], STEPS_MAX):
                    self.next[work] = step + EVERY
                    return (*work, step)
        return None

    def done(self, kind, side, step):
        """It was struck there, so there may be one more step behind it."""
        with self.lock:
            self.struck[kind, side].add(step)
            self.last[kind, side] = max(self.last[kind, side], step + 1)

    def unreached(self):
        """Steps that a change has when nobody strikes it, and at which none was struck. A read more or less is a matter of
        which of two fibers comes first; the last steps may not come up again."""
        for (kind, side), last in self.last.items():
            steps = range(1, self.unstruck[kind].steps[side] + 1 - SLACK, EVERY)
            missing = [step for step in steps if step not in self.struck[kind, side]]
            if missing:
                yield "%s at %s %s" % (kind.__name__, missing, side)


class Series:
    """All lanes of one victim."""

    def __init__(self, victim):
        self.victim = victim
        self.failures = []
        self.plans = []

    def run(self):
        threads = []
        with Lane(self.victim, "lane-0") as first:
            if self.victim != "connection":
                threads += self.start(self.expiries, wanted([changes.Expiry]))
            plan = self.plan(first, wanted(changes.KINDS))
            for _ in range(LANES - 1):
                threads += self.start(lambda lane: self.strike_all(lane, plan), plan.last)
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
        while not self.failures and (task := plan.take()):
            kind, side, step = task
            lane.doing = "%s: %s struck at step %d %s" % (self.victim, kind.__name__, step, side)
            struck, at = lane.run_struck(kind, side, step, plan.unstruck[kind])
            if struck:
                plan.done(kind, side, step)
                print("%s, %s" % (lane.doing, at), file=sys.stderr, flush=True)
        if not plan.last:
            return
        lane.doing = "%s: at the end of a lane" % self.victim
        lane.aftermath.check_at_the_end()


class Kills(unittest.TestCase):
    def strike(self, victim):
        series = Series(victim)
        series.run()
        self.assertEqual(series.failures, [], "\n\n" + "\n\n".join(series.failures))
        for plan in series.plans:
            for (kind, side), steps in plan.struck.items():
                print("%s: %s struck at %d steps %s" % (victim, kind.__name__, len(steps), side), file=sys.stderr)
            self.assertEqual(list(plan.unreached()), [])


for name in VICTIMS:
    setattr(Kills, "test_" + name, lambda self, name=name: self.strike(name))

if __name__ == "__main__":
    unittest.main(verbosity=2)
