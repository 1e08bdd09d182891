"""Full load with bad company: connections that send garbage, and clients that ask and never read. Every verdict of the load
must be right. The same load generator sends all of it, so what that costs the client's core is in the ratios too."""

from .figures import Figure, short
from .world import Failed, Measurement, engine, info, interleaved, load, redis, say

CREDENTIALS = 1_000
FULL_LOAD = """connections = 4
pipeline = 16
wrong_share = 0.1
[[frames]]
command = "MVERIFY"
batch = 256
"""
GARBAGE, DEAF = 256, 8
SCENARIOS = {"alone": "",
             "garbage": f"[garbage]\nconnections = {GARBAGE}\n",
             "deaf": f"[slow_readers]\nconnections = {DEAF}\nbytes_per_s = 0\n"}


def checks_counted(port):
    return int(info(port)["shearline_checks"])


class Company:
    """Full load beside one kind of company."""

    def __init__(self, folder, name, ours, seconds):
        self.file = folder / f"{name}.toml"
        self.file.write_text(FULL_LOAD + SCENARIOS[name], encoding="utf-8")
        self.port, self.seconds = ours.port, seconds
        self.reports = []
        self.measurement = Measurement(name, ours.pid, self.once)

    def once(self):
        """By the server's own count: what a client asks and does not read is work too, until the server hears it no more."""
        before = checks_counted(self.port)
        report = load(self.port, CREDENTIALS, self.seconds, "--scenario", self.file)
        self.reports.append(report)
        return checks_counted(self.port) - before, report["elapsed_s"]

    def per_second(self, kind, what):
        return sum(report[kind][what] for report in self.reports) / sum(report["elapsed_s"] for report in self.reports)


def measure(place, scale):
    say("garbage and deaf clients beside full load")
    folder = place.fresh("garbage")
    with redis(folder, "state") as (_, state_port):
        place.keys.fill(state_port, CREDENTIALS)
        with engine(folder, place.keys, state_port) as ours:
            alone, garbage, deaf = (Company(folder, name, ours, scale.seconds) for name in SCENARIOS)
            interleaved([each.measurement for each in (alone, garbage, deaf)], scale.rounds)
    pieces, refused = garbage.per_second("garbage", "pieces"), garbage.per_second("garbage", "refused")
    asked = deaf.per_second("slow_readers", "frames_asked")
    if not pieces or not asked:
        raise Failed("the load generator sent no garbage, or its deaf clients asked nothing")

    def figure(what, company):
        ours, theirs = company.measurement, alone.measurement
        return Figure("garbage", what, f"{ours.rate / 1e6:.2f} M/s", ours.rate / theirs.rate, f"alone: {theirs.rate / 1e6:.2f} M/s",
                      unit="x", note=f"server CPU a check {short(ours.cpu, ' ns')}, alone {short(theirs.cpu, ' ns')}")

    return [figure(f"`MVERIFY` rate beside {GARBAGE} connections of garbage, {short(pieces)} pieces a second, {short(refused)} "
                   "of them refused", garbage),
            figure(f"`MVERIFY` rate beside {DEAF} clients that never read, with the {short(asked)} frames a second that they ask", deaf)], []
