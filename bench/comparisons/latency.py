"""P4: latency at half of peak load, over the whole run and in its typical interval, beside what the machine takes away from
both cores by itself."""

import statistics

from .figures import Figure, short
from .world import Failed, bench, engine, load, redis, say

BATCH = 256  # pairs in one MVERIFY
SHAPE = ("--batch", BATCH, "--connections", 4)
P99_MAX, P999_MAX = 3, 10
FRAMES_FOR_P999 = 1_000  # in an interval with fewer frames its longest stands for it


def stalls(seconds):
    """What a thread that only reads the clock misses on the server's core and on the client's."""
    found = bench("stalls_bench", "--cores", "0,1", "--seconds", seconds)["cores"]
    if not all(core["readings"] for core in found):
        raise Failed("stalls_bench has read no clock")
    return found


def peak_and_halves(place, scale, credentials):
    folder = place.fresh("latency")
    with redis(folder, "state") as (_, state_port):
        place.keys.fill(state_port, credentials)
        with engine(folder, place.keys, state_port) as ours:
            peaks = [load(ours.port, credentials, scale.seconds, *SHAPE, "--pipeline", 16) for _ in range(scale.rounds)]
            peak = sorted(peaks, key=lambda report: report["checks_per_s"])[len(peaks) // 2]
            say(f"  peak {peak['checks_per_s'] / 1e6:.2f} M/s")
            halves = [load(ours.port, credentials, scale.latency_seconds, *SHAPE, "--pipeline", 64, "--rate",
                           int(peak["checks_per_s"] / 2)) for _ in range(scale.rounds)]
    halves.sort(key=lambda report: report["latency_us"]["p99"] / report["latency_us"]["p50"])
    return peak, halves[len(halves) // 2]


def ratios_of(intervals):
    """Of each whole interval in which anything was answered: p99 and p99.9 as multiples of its p50."""
    whole = [each for each in intervals[1:-1] or intervals if each["frames"]]
    p99 = [each["p99_us"] / each["p50_us"] for each in whole]
    p999 = [(each["p99.9_us"] if each["frames"] >= FRAMES_FOR_P999 else each["max_us"]) / each["p50_us"] for each in whole]
    return p99, p999


def figures_of(run, credentials, note):
    latency = run["latency_us"]
    p50 = latency["p50"]
    figures = [Figure("P4", f"{name} at half of peak, {credentials:,} credentials", short(latency[name], " us"),
                      latency[name] / p50, f"p50: {short(p50, ' us')}", at_most=bound, unit="x", note=note)
               for name, bound in (("p99", P99_MAX), ("p99.9", P999_MAX))]
    length = run["intervals"][0]["length_s"]
    for name, ratios, bound in zip(("p99", "p99.9"), ratios_of(run["intervals"]), (P99_MAX, P999_MAX)):
        kept = sum(ratio <= bound for ratio in ratios) / len(ratios) * 100
        figures.append(Figure("P4", f"the same, {name} of the typical interval of {length:g} s", "", statistics.median(ratios),
                              "its own p50", unit="x", note=f"{kept:.0f} % of the intervals within {bound}x"))
    return figures


def table_of(run):
    lines = ["| | p50 | p90 | p99 | p99.9 | max |", "|---|---|---|---|---|---|"]
    return lines + ["| " + name[:-3] + ", us | " + " | ".join(short(run[name][each]) for each in ("p50", "p90", "p99", "p99.9", "max"))
                    + " |" for name in ("latency_us", "service_us")]


def stalls_table(found):
    lines = ["| core | share of time in gaps over 100 us | in gaps over 1 ms | gaps over 100 us, a second | over 1 ms, a second "
             "| longest, ms | given to other threads |", "|---|---|---|---|---|---|---|"]
    return lines + [f"| {core['core']} | {core['share_over_100_us'] * 100:.2f} % | {core['share_over_1_ms'] * 100:.2f} % "
                    f"| {core['over_100_us'] / core['elapsed_s']:.1f} | {core['over_1_ms'] / core['elapsed_s']:.1f} "
                    f"| {core['longest_us'] / 1000:.2f} | {core['interrupted']} times |" for core in found]


def measure(place, scale):
    credentials = scale.bulk_credentials[0]
    say(f"P4: {credentials:,} credentials")
    seconds = scale.latency_seconds / 4
    machine = stalls(seconds)
    peak, run = peak_and_halves(place, scale, credentials)
    generator = run["generator"]
    lines = [f"Batches of {BATCH} on 4 connections, open loop, Poisson arrivals, latency from when a frame was due. Peak, "
             f"closed loop: {peak['checks_per_s'] / 1e6:.2f} M/s; the generator {peak['generator']['judgement']}. The round with "
             "the median p99/p50 is shown.", "", *table_of(run), "", f"The generator {generator['judgement']}.", "",
             f"What the machine took by itself, before the load: gaps that a thread sees on each core that does nothing but read "
             f"the clock, {seconds:g} s. A gap holds up every frame that is due in it, here or at the generator: with a share of "
             "1 % in gaps, no server's 99th percentile is its own.", "", *stalls_table(machine)]
    note = "" if generator["kept_up"] else "the generator was the slower side"
    return figures_of(run, credentials, note), [("P4: latency", lines)]
