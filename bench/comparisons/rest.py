"""P10: what an engine costs that has nothing to do, and connections that say nothing."""

import os
import pathlib
import resource
import socket
import time

from .figures import Figure, short
from .world import Failed, cpu_ns, engine, memory_bytes, redis, say

CORE_SHARE_MAX, CONNECTIONS_MB_MAX = 0.5, 100
PING = b"*1\r\n$4\r\nPING\r\n"


def wake_ups(pid):
    """How often the workers have gone to sleep: the kernel's own count."""
    total, workers = 0, 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        fields = dict(line.split(":", 1) for line in (task / "status").read_text(encoding="utf-8").splitlines() if ":" in line)
        if fields["Name"].strip().startswith("worker-"):
            workers += 1
            total += int(fields["voluntary_ctxt_switches"])
    if workers == 0:
        raise Failed("the engine has no worker threads")
    return total


def idle_connections(port, count):
    """Open and answered once; the caller closes them."""
    connections = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(count)]
    for connection in connections:
        connection.sendall(PING)
    for connection in connections:
        if connection.recv(100) != b"+PONG\r\n":
            raise Failed("an idle connection was not answered")
    return connections


def measure(place, scale):
    say("P10: at rest")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(scale.idle_connections, hard - 200)
    folder = place.fresh("rest")
    try:
        with redis(folder, "state") as (_, state_port):
            place.keys.fill(state_port, 1_000)
            with engine(folder, place.keys, state_port, workers=2, cores=",".join(map(str, sorted(os.sched_getaffinity(0))))) as ours:
                time.sleep(1)  # what starting has left to do is not rest
                before = memory_bytes(ours.pid)
                connections = idle_connections(ours.port, count)
                grown = memory_bytes(ours.pid) - before
                time.sleep(1)
                woken, cpu, began = wake_ups(ours.pid), cpu_ns(ours.pid), time.monotonic()
                time.sleep(scale.rest_seconds)
                share = (cpu_ns(ours.pid) - cpu) / 1e9 / (time.monotonic() - began) * 100
                woken = wake_ups(ours.pid) - woken
                for connection in connections:
                    connection.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    note = "" if count >= 10_000 else f"scaled from {count:,} connections"
    return [Figure("P10", f"wake-ups of two workers in {scale.rest_seconds:g} s", str(woken), woken, at_most=0),
            Figure("P10", f"CPU of the idle engine, {scale.rest_seconds:g} s", short(share, " %"), share, at_most=CORE_SHARE_MAX,
                   unit=" % of a core"),
            Figure("P10", "memory of 10,000 idle connections", short(grown / count / 1000, " kB each"),
                   grown / count * 10_000 / 1e6, at_most=CONNECTIONS_MB_MAX, unit=" MB", note=note)], []
