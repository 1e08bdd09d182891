"""Connections that come, ask once and go: how many a second, on each backend, and what is left of them afterwards."""

import os
import time

from .figures import Figure, short
from .world import Failed, cpu_ns, engine, load, redis, say

BACKENDS = ("io_uring", "epoll")
CONNECTIONS_PER_S_MIN = 5_000
CLOSED_WITHIN_S = 5


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def wait_until_closed(pid, open_before):
    """The last of them are closed a moment after their clients have heard all."""
    end = time.monotonic() + CLOSED_WITHIN_S
    while descriptors(pid) > open_before:
        if time.monotonic() > end:
            raise Failed(f"{descriptors(pid) - open_before} descriptors are left of the storm")
        time.sleep(0.01)


def storm(ours, credentials, seconds):
    """Connections a second, and the server's CPU for each in ns."""
    open_before, cpu_before = descriptors(ours.pid), cpu_ns(ours.pid)
    report = load(ours.port, credentials, seconds, "--scenario", "reconnect-storm")
    cpu = cpu_ns(ours.pid) - cpu_before
    wait_until_closed(ours.pid, open_before)
    return report["connects"] / report["elapsed_s"], cpu / report["connects"]


def measure(place, scale):
    credentials = 1_000
    figures = []
    for backend in BACKENDS:
        say(f"churn: {backend}")
        folder = place.fresh(f"churn-{backend}")
        with redis(folder, "state") as (_, state_port):
            place.keys.fill(state_port, credentials)
            with engine(folder, place.keys, state_port, backend=backend) as ours:
                load(ours.port, credentials, scale.seconds, "--scenario", "reconnect-storm")  # what starting left open is open now
                rounds = [storm(ours, credentials, scale.seconds) for _ in range(scale.rounds)]
        rate, cpu = sorted(rounds)[len(rounds) // 2]
        figures.append(Figure("churn", f"connections a second that ask once and go, {backend}", short(rate, "/s"), rate,
                              at_least=CONNECTIONS_PER_S_MIN, unit="/s",
                              note=f"{short(cpu / 1000)} us of server CPU each, none left open"))
    return figures, []
