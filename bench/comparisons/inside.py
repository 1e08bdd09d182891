"""What only the engine's own parts can tell: the way of a check without sockets, the table beside its writer, and whether
time tells verdicts."""

from .figures import Figure, short
from .size import slots_of
from .world import Failed, bench, say

UPDATES_PER_S = 100_000
PACE = 105_000  # what the writer is asked to keep: it may have lost its core for a moment when the time is over


def measure_path(_, scale):
    say(f"path: a check without sockets, {' and '.join(f'{each:,}' for each in scale.path_credentials)} credentials")
    runs = bench("check_path_bench", "--json", "--checks", scale.path_checks, "--rounds", scale.path_rounds,
                 *scale.path_credentials)["runs"]
    figures = [Figure("path", f"a check from receive buffer to reply, without sockets, {one['credentials']:,} credentials",
                      short(one["all"]["median_ns"], " ns"), one["all"]["median_ns"],
                      f"lowest round: {short(one['all']['lowest_ns'], ' ns')}", unit=" ns") for one in runs]
    lines = [f"CPU of one thread for a check in MVERIFY of 256, a tenth of the secrets wrong, clients at random: medians of "
             f"{scale.path_rounds} rounds of {runs[0]['checks']:,} checks (in brackets the lowest). Each column goes further "
             "than the one before it; the last is the whole way.", "",
             "| credentials | copied as a socket would | and parsed | and looked up, hashed, judged, answered | replies |",
             "|---|---|---|---|---|"]
    for one in runs:
        costs = (f"{short(one[part]['median_ns'])} ({short(one[part]['lowest_ns'])}) ns" for part in ("copy", "parse", "all"))
        lines.append(f"| {one['credentials']:,} | {' | '.join(costs)} | sha-256 {one['replies_sha256'][:16]} |")
    return figures, [("The way of a check without sockets", lines)]


def measure_table(_, scale):
    say(f"the table: growing to {scale.table_credentials:,}")
    arguments = ("--credentials", scale.table_credentials, "--seconds", scale.table_seconds, "--changes", scale.table_changes,
                 "--updates", PACE)
    cold, seen = bench("table_bench", *arguments), bench("table_bench", "--warm", *arguments)
    updates, visible, warmed = seen["updates"], seen["visible_us"], seen["warmed"]
    if seen["index_slots"] != slots_of(seen["size"]):
        raise Failed(f"{seen['size']:,} credentials stand in {seen['index_slots']:,} slots, calculated: {slots_of(seen['size']):,}")
    if seen["outcomes_sha256"] != cold["outcomes_sha256"]:
        raise Failed("the same questions were answered differently in two runs")
    to = f"while it grows to {seen['credentials']:,}"
    figures = []
    for run, memory in ((seen, "was touched before"), (cold, "the host has yet to find")):
        growth = run["growth"]
        rests, puts = growth["rests"], growth["puts"]
        figures += [
            Figure("table", f"longest turn of a reader {to}, in memory that {memory}", short(growth["longest_us"], " us"),
                   growth["longest_us"] / 1000, f"in the rests between: {short(rests['longest_us'], ' us')}", at_most=1,
                   unit=" ms"),
            Figure("table", f"longest put of the writer {to}, in memory that {memory}", short(puts["longest_us"], " us"),
                   puts["longest_us"] / 1000,
                   f"{puts['interrupted']:,} interrupted: {short(puts['longest_interrupted_us'], ' us')}", unit=" ms"),
        ]
    figures += [
        Figure("table", "updates a second while reads run", short(updates["updates_per_s"], "/s"), updates["updates_per_s"],
               # The writer keeps its schedule; a last update that was not due any more is no miss.
               f"unpaced: {short(seen['updates_unpaced']['updates_per_s'], '/s')}", at_least=UPDATES_PER_S, unit="/s"),
        Figure("table", f"reader's rate beside {PACE:,} updates a second", f"{updates['checks_per_s'] / 1e6:.2f} M/s",
               updates["checks_per_s"] / seen["grown_alone"]["checks_per_s"],
               f"at rest: {seen['grown_alone']['checks_per_s'] / 1e6:.2f} M/s", unit="x"),
        Figure("P6", "change to a verdict that shows it, in the process, p50", short(visible["p50"], " us"), visible["p50"],
               f"p99: {short(visible['p99'], ' us')}", at_most=1000, unit=" us"),
    ]
    lines = ["| | checks/s | turn of 256: p50 | p99.99 | longest, us | over 1 ms | turns in which another thread was given the core (longest, us) |",
             "|---|---|---|---|---|---|---|"]
    stretches = [("nothing changes", seen["alone"])]
    for name, run in (("memory touched before", seen), ("memory to be found", cold)):
        stretches += [(f"growing, {name}", run["growth"]), ("in the rests between", run["growth"]["rests"])]
    stretches += [("grown, nothing changes", seen["grown_alone"]), (f"{PACE:,} updates/s", updates),
                  ("updates as fast as they go", seen["updates_unpaced"])]
    for name, each in stretches:
        lines.append(f"| {name} | {each['checks_per_s'] / 1e6:.2f} M/s | {short(each['p50_us'])} | {short(each['p9999_us'])} "
                     f"| {short(each['longest_us'])} | {each['over_1_ms']} | {each['interrupted']} of {each['turns']:,} "
                     f"({short(each['longest_interrupted_us'])}) |")
    lines += ["", f"Grown to {seen['index_slots']:,} slots; every 50 ms the writer rests for as long, so that growth and rests lie in "
                  "the same seconds. Puts over 1 ms, with their reclaim, not interrupted: "
                  f"{seen['growth']['puts']['over_1_ms']} in memory touched before, {cold['growth']['puts']['over_1_ms']} otherwise. "
                  f"Touching {warmed['bytes'] / 1e9:.2f} GB for the first time took the machine {warmed['seconds']:.1f} s, "
                  f"{warmed['seconds'] * 1000 * 2**21 / warmed['bytes']:.2f} ms for each 2 MiB. "
                  f"Outcomes: sha-256 {seen['outcomes_sha256']}."]
    return figures, [("The table beside its writer", lines)]


def measure_timing(_, scale):
    say(f"timing of verdicts: {scale.timing_checks:,} checks of each outcome")
    seen = bench("timing_bench", "--checks", scale.timing_checks, "--clients-cold", scale.timing_clients)
    lines = [f"Welch's t between batches of {seen['checks_per_sample']} checks of one outcome and batches of another, "
             f"{scale.timing_checks:,} checks of each, in random order; the largest of several shares of samples kept, and how much "
             f"longer a check of the column took than one of the row, without the slowest twentieth of the samples. Above {seen['t_of_suspicion']:g} a difference is real. "
             "The second class differs in nothing from the first. Current, grace and next are told by the answer anyway. A "
             "foreign key that is forgotten finds a client who has nothing of it any more."]
    figures = []
    for one in seen["runs"]:
        names, against = one["classes"], one["against"]
        control = against[names[0]][names[1]]
        where = f"{one['presented']}, {one['peppers']} pepper(s), {one['cache']}"
        lines += ["", f"{where} caches, {short(control['ns_per_check'], ' ns')} a check:", "",
                  "| | " + " | ".join(names[1:]) + " |", "|---|" + "---|" * (len(names) - 1)]
        for row in names[:-1]:
            lines.append(f"| {row} | " + " | ".join(
                f"{each['t']:+.1f}, {each['difference_ns_per_check']:+.2f} ns" if (each := against[row].get(column)) else ""
                for column in names[1:]) + " |")
        # What the wire says alike: rejected.
        alike = [name for name in names if name not in (names[1], "current", "grace", "next")]
        worst = max(((row, column) for row in alike for column in alike if column in against.get(row, {})),
                    key=lambda pair: abs(against[pair[0]][pair[1]]["t"]))
        found = against[worst[0]][worst[1]]
        figures.append(Figure(
            "timing", f"rejected for different reasons, {where}: most apart are {worst[0]} and {worst[1]}",
            f"{found['difference_ns_per_check']:+.2f} ns of {short(found['ns_per_check'])}", abs(found["t"]),
            f"{names[1]}: {abs(control['t']):.1f}", unit=" = abs(t)",
            note=f"{'real' if found['suspicious'] else 'not proven'}, d {found['cohens_d']:+.2f}"))
    return figures, [("Timing of verdicts", lines)]
