"""P6: from the commit in Redis to the first refusal on every worker, under full verify load. Credentials are revoked by the
command line, one after another, as an admin would; revoke_probe watches both ends."""

import contextlib
import json
import os
import signal
import subprocess

from .figures import Figure, short
from .world import (BIN, BOTH_CORES, CLIENT_CORE, SEED, SERVER_CORE, Failed, engine, info, loadgen_command, on_client_core,
                    redis, run, say, wait_for)

P50_MS_MAX, P99_MS_MAX = 2, 10
FOREVER = 3600
ZEROES = {"after_commit_us": "the commit", "after_follower_us": "a second follower's holding the entry"}


@contextlib.contextmanager
def full_load(port, credentials, folder):
    """Closed loop until the block ends, every verdict right. It asks about the first `credentials`: those that are revoked
    come after them."""
    with open(folder / "load.json", "w", encoding="utf-8") as out, open(folder / "load.log", "w", encoding="utf-8") as log:
        child = subprocess.Popen(on_client_core(loadgen_command(port, credentials, FOREVER, "--batch", 256)), stdout=out,
                                 stderr=log, stdin=subprocess.DEVNULL)
    try:
        # It derives a million secrets before its first question.
        wait_for(child, folder / "load.log", "the load", lambda: int(info(port)["shearline_checks"]) > 0)
        yield child
        if child.poll() is not None:
            raise Failed("the load ended by itself:\n" + (folder / "load.log").read_text(encoding="utf-8")[-2000:])
    finally:
        child.send_signal(signal.SIGINT)
        child.wait()
    report = json.loads((folder / "load.json").read_text(encoding="utf-8"))
    if report["mismatches"] or report["errors"] or not report["checks"]:
        raise Failed(f"of {report['checks']:,} checks of the load {report['mismatches']:,} were wrong, {report['errors']:,} failed")


def raise_priority():
    """The probe must not wait behind the load it measures beside; without the right to, it does."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -15)


class Probe:
    def __init__(self, state_port, server_port, workers):
        self.child = subprocess.Popen(
            on_client_core([BIN / "revoke_probe", "--redis", f"127.0.0.1:{state_port}", "--server", f"127.0.0.1:{server_port}",
                            "--workers", workers, "--seed", SEED]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=raise_priority)

    def line(self):
        line = self.child.stdout.readline()
        if not line:
            raise Failed("revoke_probe ended, see above")
        return line.strip()

    def watch(self, index, revoke):
        self.child.stdin.write(f"{index}\n")
        self.child.stdin.flush()
        if self.line() != "armed":
            raise Failed("revoke_probe is not armed")
        revoke(f"load-{index:012d}")
        seen = json.loads(self.line())
        return [{zero: seen[zero][worker] / 1000 for zero in ZEROES} for worker in range(len(seen["after_commit_us"]))]

    def close(self):
        self.child.stdin.close()
        self.child.wait(timeout=60)


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(part * len(values)))]


def revoke_all(place, scale, workers, cores, credentials):
    """Of each revocation: of each worker, milliseconds until it refused, from each of ZEROES."""
    say(f"P6: {scale.revocations} revocations, {workers} worker(s)")
    folder = place.fresh(f"revocation-{workers}")
    with redis(folder, "state", cores=CLIENT_CORE) as (_, state_port):
        place.keys.fill(state_port, credentials + scale.revocations)
        environment = place.keys.environment(SHEARLINE_REDIS=f"127.0.0.1:{state_port}")

        def command(*words):
            run([BIN / "shearline", "--json", *words], env=environment, timeout=120)

        with engine(folder, place.keys, state_port, workers, cores) as ours:
            command("group", "create", "bench", "bench")
            probe = Probe(state_port, ours.port, workers)
            try:
                took = []
                with full_load(ours.port, credentials, folder):
                    for index in range(credentials, credentials + scale.revocations):
                        took.append(probe.watch(index, lambda client: command("revoke", client, "--reason", "benchmark")))
            finally:
                probe.close()
    return took


def figures_of(name, took):
    slowest = [max(worker["after_commit_us"] for worker in one) for one in took]
    note = "" if len(took) >= 100 else f"of {len(took)} revocations"
    return [Figure("P6", f"commit of a revocation to refused on the last worker, {part}, {name}", short(value, " ms"), value,
                   at_most=bound, unit=" ms", note=note)
            for part, value, bound in (("p50", percentile(slowest, 0.5), P50_MS_MAX),
                                       ("p99", percentile(slowest, 0.99), P99_MS_MAX))]


def measure(place, scale):
    credentials = scale.revocation_credentials
    figures, lines = [], [
        "Until a connection of each worker hears `rejected`, asking again 50 us after each answer. The commit: when Redis ran "
        "the change's XADD, by its own clock (MONITOR) and inside of the committing script, so before anybody could see it. "
        "Beside it, from when a second follower of the partition's change stream held the entry; below zero, the worker was "
        "faster than that follower. Full load: closed loop of MVERIFY on the client's core.", "",
        "| | from | lowest | p50 | p99 | highest, ms |", "|---|---|---|---|---|---|"]
    for name, workers, cores in (("one worker, a core for it and the control thread", 1, SERVER_CORE),
                                 ("two workers, sharing both cores with the load", 2, BOTH_CORES)):
        took = revoke_all(place, scale, workers, cores, credentials)
        figures += figures_of(name, took)
        for zero, words in ZEROES.items():
            every = [worker[zero] for one in took for worker in one]
            lines.append(f"| {name} | {words} | " + " | ".join(short(each) for each in (
                min(every), percentile(every, 0.5), percentile(every, 0.99), max(every))) + " |")
    return figures, [("P6: revocation", lines)]
