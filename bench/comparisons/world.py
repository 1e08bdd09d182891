"""The processes that are measured: a peer Redis, the engine with its own Redis, the load generator. Each in a temporary
folder, pinned, and ended by its pid however the run ends."""

import contextlib
import ctypes
import json
import os
import pathlib
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("SHEARLINE_BIN") or ROOT / "build" / "release" / "bin")
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, CLIENT_CORE = str(CORES[0]), str(CORES[-1])
BOTH_CORES = f"{SERVER_CORE},{CLIENT_CORE}"
TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
SEED = "7"
READY_SECONDS = 300
PR_SET_THP_DISABLE = 41


class Failed(Exception):
    """Something that must work for anything to be measured did not."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(command, **options):
    done = subprocess.run([str(part) for part in command], text=True, capture_output=True, check=False, **options)
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command[:6]))} ... ended with status {done.returncode}:\n"
                     f"{done.stderr[-2000:]}{done.stdout[-500:]}")
    return done.stdout


def on_client_core(command):
    return ["taskset", "-c", CLIENT_CORE, *map(str, command)]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_ns(pid):
    """User and system time of the whole process."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * TICK_NS


def memory_bytes(pid, field="Rss"):
    """Of the whole process, as the kernel counts its pages: Rss, or AnonHugePages for what stands on huge ones."""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise Failed(f"the kernel does not tell {field}")


def without_huge_pages():
    """Called in a child before it becomes the program: what prctl forbids here stays forbidden."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)


def keep_to(cores, pid):
    """All threads of a running process, and those it makes later."""
    run(["taskset", "-a", "-p", "-c", cores, pid])


@contextlib.contextmanager
def process(command, log, cores=SERVER_CORE, **options):
    with open(log, "w", encoding="utf-8") as out:
        child = subprocess.Popen(["taskset", "-c", cores, *map(str, command)], stdout=out, stderr=out,
                                 stdin=subprocess.DEVNULL, **options)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(timeout=30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def wait_for(child, log, what, ready, seconds=READY_SECONDS):
    end = time.monotonic() + seconds
    while not ready():
        if child.poll() is not None or time.monotonic() > end:
            raise Failed(f"{what} did not become ready:\n" + pathlib.Path(log).read_text(encoding="utf-8")[-3000:])
        time.sleep(0.02)


def ask(port, *words):
    done = subprocess.run(["redis-cli", "-p", str(port), *words], text=True, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def info(port):
    """INFO, of Redis or of the engine."""
    return dict(line.split(":", 1) for line in ask(port, "INFO").splitlines() if ":" in line)


@contextlib.contextmanager
def redis(folder, name, cores=SERVER_CORE):
    port, log = free_port(), folder / f"{name}.log"
    command = ["redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly",
               "no"]
    with process(command, log, cores) as child:
        wait_for(child, log, "redis-server", lambda: "PONG" in ask(port, "PING"), 20)
        yield child, port


def fill_peer(port, count):
    """The keys redis-benchmark asks for, with values as long as a secret."""
    with subprocess.Popen(["redis-cli", "-p", str(port), "--pipe"], stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL) as loader:
        for start in range(0, count, 10_000):
            loader.stdin.write(b"".join(b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$43\r\n%043d\r\n" % (i, i)
                                        for i in range(start, min(start + 10_000, count))))
        loader.stdin.close()
    if loader.returncode != 0 or ask(port, "DBSIZE").split()[-1:] != [str(count)]:
        raise Failed("the peer Redis was not filled")


class Keys:
    """Keyring and founding admin, as an operator makes them."""

    def __init__(self, folder):
        self.folder = folder
        self.kek = folder / "kek"
        self.kek.write_text(secrets.token_hex(32) + "\n", encoding="utf-8")
        self.kek.chmod(0o600)
        run([BIN / "shearline", "pepper", "init", folder / "keyring.json", "--deployment", "bench", "--kek",
             f"key-file:{self.kek}", "--public", folder / "keyring.public"])
        self.passphrase = secrets.token_hex(16)
        made = run([BIN / "shearline", "admin", "init", "bench", "--person", "bench@localhost", "--engine",
                    folder / "keyring.public", "--keys", folder / "admin.json", "--json"], env=self.environment())
        self.admin_toml = json.loads(made)["toml"]

    def environment(self, **more):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SHEARLINE_")}
        return {**kept, "SHEARLINE_PASSPHRASE": self.passphrase, "SHEARLINE_KEYS": str(self.folder / "admin.json"), **more}

    def fill(self, port, count):
        """Seconds it took to write so many genuine records into a Redis."""
        began = time.monotonic()
        run([BIN / "fill_redis", "--redis", f"127.0.0.1:{port}", "--keyring", self.folder / "keyring.json", "--kek",
             f"key-file:{self.kek}", "--count", count, "--seed", SEED])
        return time.monotonic() - began


class Engine:
    """A running one, loaded; `load_seconds` from its start until it was ready."""

    def __init__(self, child, port, load_seconds):
        self.pid, self.port, self.load_seconds = child.pid, port, load_seconds


@contextlib.contextmanager
def engine(folder, keys, state_port, workers=1, cores=SERVER_CORE, before=None, backend="auto"):
    port, log = free_port(), folder / "engine.log"
    config, rules = folder / "shearline.toml", folder / "rules.toml"
    rules.write_text("bootstrap = true\n", encoding="utf-8")
    config.write_text(f"""
deployment = "bench"
data = "{folder}/data"
rules = "{rules}"
workers = {workers}
backend = "{backend}"
[listen]
resp = ["127.0.0.1:{port}"]
connections_max = 12000
[store]
redis = "127.0.0.1:{state_port}"
[keyring]
file = "{keys.folder}/keyring.json"
kek = "key-file:{keys.kek}"
{keys.admin_toml}
""", encoding="utf-8")
    began = time.monotonic()
    with process([BIN / "shearline", "server", "--config", config], log, cores, preexec_fn=before,
                 env=keys.environment()) as child:
        wait_for(child, log, "shearline server", lambda: "shearline_ready:1" in ask(port, "INFO"))
        yield Engine(child, port, time.monotonic() - began)


class Measurement:
    """One thing that is measured in every round."""

    def __init__(self, name, pid, once):
        self.name, self.pid, self.once = name, pid, once
        self.rates, self.cpus = [], []

    def round(self):
        before = cpu_ns(self.pid)
        count, seconds = self.once()
        self.cpus.append((cpu_ns(self.pid) - before) / count)
        self.rates.append(count / seconds)

    @property
    def rate(self):
        return statistics.median(self.rates)

    @property
    def cpu(self):
        return statistics.median(self.cpus)


def interleaved(measurements, rounds):
    for number in range(rounds):
        say(f"  round {number + 1} of {rounds}")
        for measurement in measurements:
            measurement.round()
    return measurements


def loadgen_command(port, credentials, seconds, *arguments):
    return [BIN / "shearline-loadgen", "run", "--generated", credentials, "--seed", SEED, "--server",
            f"127.0.0.1:{port}", "--duration", f"{int(seconds * 1000)}ms", "--json", *arguments]


def load(port, credentials, seconds, *arguments):
    """The report of one run whose every verdict was right; anything else ends the benchmark."""
    report = json.loads(run(on_client_core(loadgen_command(port, credentials, seconds, *arguments))))
    if not report["clean"] or report["mismatches"] or not report["checks"]:
        raise Failed("the load generator heard wrong verdicts")
    return report


def bulk(port, credentials, seconds, *arguments):
    """A measurement of MVERIFY; `arguments` change its shape."""
    def once():
        report = load(port, credentials, seconds, *(arguments or ("--batch", 256, "--pipeline", 16, "--connections", 4)))
        return report["checks"], report["elapsed_s"]
    return once


def bench(name, *arguments):
    """The JSON object of one of the programs beside this script."""
    return json.loads(run([BIN / name, *arguments]))
