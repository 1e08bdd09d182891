"""P5: many credentials beside a thousand: memory of each, loading, and what is left of the verification rate."""

from .figures import Figure, short
from .world import (BOTH_CORES, SERVER_CORE, Measurement, bulk, engine, interleaved, keep_to, memory_bytes, redis, say,
                    without_huge_pages)

FEW = 1_000
BYTES_MAX, LOAD_SECONDS_MAX, RATE_SHARE_MIN = 256, 30, 0.6
# What the engine takes by its own layout: an entry, what lies beside it, and slots of 8 bytes of which three eighths to
# three quarters are in use, one for the client id and one for the fingerprint of an imported secret, which all have here.
ENTRY, SIDE, SLOT, FINGERPRINT = 192, 32, 8, 8
# Beside those, of the few that are being rotated: EntryExtra, with what the allocator adds.
EXTRA = 96


def slots_of(credentials):
    """As engine/growing_index grows: it doubles when three quarters are in use. table_bench is held against it."""
    slots = 2048
    while credentials * 4 > slots * 3:
        slots *= 2
    return slots


def calculated_bytes(credentials):
    return ENTRY + SIDE + (SLOT + FINGERPRINT) * slots_of(credentials) / credentials


def measure(place, scale):
    many = scale.many
    say(f"P5: {FEW:,} and {many:,} credentials")
    few_folder, folder = place.fresh("few"), place.fresh("many")
    with redis(folder, "state", cores=scale.redis_cores) as (state, state_port):
        filled = place.keys.fill(state_port, many)
        say(f"  filled in {filled:.1f} s, Redis holds {memory_bytes(state.pid) / 1e9:.2f} GB")
        with redis(few_folder, "state") as (_, few_port):
            place.keys.fill(few_port, FEW)
            with (engine(few_folder, place.keys, few_port) as few,
                  engine(folder, place.keys, state_port, cores=BOTH_CORES) as full):
                keep_to(SERVER_CORE, full.pid)
                before = memory_bytes(few.pid)
                grown = memory_bytes(full.pid) - before
                huge = memory_bytes(full.pid, "AnonHugePages")
                load_seconds = full.load_seconds
                # Started when the others have loaded, so that each loads alone; then all three take turns.
                with engine(place.fresh("plain"), place.keys, state_port, cores=BOTH_CORES,
                            before=without_huge_pages) as small_pages:
                    keep_to(SERVER_CORE, small_pages.pid)
                    plain_huge = memory_bytes(small_pages.pid, "AnonHugePages")
                    plain_memory = memory_bytes(small_pages.pid)
                    small_run, full_run, plain_run = interleaved([
                        Measurement("few", few.pid, bulk(few.port, FEW, scale.seconds)),
                        Measurement("many", full.pid, bulk(full.port, many, scale.seconds)),
                        Measurement("4 KiB pages", small_pages.pid, bulk(small_pages.port, many, scale.seconds))], scale.rounds)
    note = "" if many == 10_000_000 else "the target speaks of 10,000,000"
    at = f"{many:,} credentials"
    figures = [
        Figure("P5", f"memory of each, all in, {at}", short(grown / many, " B"), grown / many,
               f"calculated: {short(calculated_bytes(many), ' B')}", at_most=BYTES_MAX, unit=" B", note=note),
        Figure("P5", f"from start to ready, {at}", short(load_seconds, " s"), load_seconds, at_most=LOAD_SECONDS_MAX,
               unit=" s", note=note),
        Figure("P5", f"`MVERIFY` rate, {at}", f"{full_run.rate / 1e6:.2f} M/s", full_run.rate / small_run.rate,
               f"1,000: {small_run.rate / 1e6:.2f} M/s", at_least=RATE_SHARE_MIN, unit="x", note=note),
        Figure("P5", f"4 KiB pages instead of huge ones, rate, {at}", f"{plain_run.rate / 1e6:.2f} M/s",
               plain_run.rate / full_run.rate, f"huge: {full_run.rate / 1e6:.2f} M/s", unit="x"),
    ]
    lines = ["| | checks/s | server CPU a check | process on huge pages | loaded in |", "|---|---|---|---|---|",
             f"| {FEW:,} | {small_run.rate / 1e6:.2f} M/s | {small_run.cpu:.0f} ns | | {few.load_seconds:.1f} s |",
             f"| {many:,}, huge pages | {full_run.rate / 1e6:.2f} M/s | {full_run.cpu:.0f} ns "
             f"| {huge / 1e6:,.0f} of {(grown + before) / 1e6:,.0f} MB | {load_seconds:.1f} s |",
             f"| {many:,}, 4 KiB pages | {plain_run.rate / 1e6:.2f} M/s | {plain_run.cpu:.0f} ns "
             f"| {plain_huge / 1e6:,.0f} of {plain_memory / 1e6:,.0f} MB | {small_pages.load_seconds:.1f} s |", "",
             "While it loads the engine has both cores, as has that Redis; for the rates it is kept to one. "
             f"Redis was filled in {filled:.0f} s. Memory: resident set with {many:,} less resident set with {FEW:,}, when "
             "both were loaded: what loading took meanwhile and the allocator kept is in it. All have one version; with a second "
             f"one, in grace or to come, or with an imported key, each takes {EXTRA} bytes more (calculated)."]
    return figures, [("P5: size", lines)]
