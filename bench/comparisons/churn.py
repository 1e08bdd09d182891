"""Connections that come, ask once and go: how many a second, on each backend, and what is left of them afterwards."""

import os

from .figures import Figure, short
from .world import Failed, cpu_ns, engine, load, redis, say

BACKENDS = ("io_uring", "epoll")
ASKED_PER_S = 5_000  # what issue and design speak of; no target of the table


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def storm(ours, credentials, seconds):
    """The load generator's report, the server's CPU for each connection in ns, and how many descriptors are open afterwards
    that were not before."""
    open_before, cpu_before = descriptors(ours.pid), cpu_ns(ours.pid)
    report = load(ours.port, credentials, seconds, "--scenario", "reconnect-storm")
    cpu = (cpu_ns(ours.pid) - cpu_before) / report["connects"]
    if int(ours.info()["connected_clients"]) > 1:  # the one that asks
        raise Failed("connections of the storm are still there")
    return report, cpu, descriptors(ours.pid) - open_before


def measure(place, scale):
    credentials = 1_000
    figures = []
    for backend in BACKENDS:
        say(f"churn: {backend}")
        folder = place.fresh(f"churn-{backend}")
        with redis(folder, "state") as (_, state_port):
            place.keys.fill(state_port, credentials)
            with engine(folder, place.keys, state_port, backend=backend) as ours:
                rounds = [storm(ours, credentials, scale.seconds) for _ in range(scale.rounds)]
        rounds.sort(key=lambda each: each[0]["connects"] / each[0]["elapsed_s"])
        report, cpu, left = rounds[len(rounds) // 2]
        if left:
            raise Failed(f"{left} descriptors are left of the storm")
        rate = report["connects"] / report["elapsed_s"]
        figures.append(Figure("churn", f"connections a second that ask once and go, {backend}", short(rate, "/s"), rate,
                              f"asked for: {ASKED_PER_S:,}/s", unit="/s",
                              note=f"{short(cpu / 1000)} us of server CPU each, none left open"))
    return figures, []
