"""One measured figure beside its target, and how a run is written down. Knows nothing of how things are measured."""

import dataclasses
import datetime
import os
import pathlib
import platform
import subprocess

# Above it something else takes part of the cores.
QUIET_LOAD_MAX = 0.5
PROOF = ("P1, P8, path and table print a hash of their results; in P2, P4, P5, P6, churn and garbage the load generator holds "
         "every verdict against what its secret deserves and a wrong one ends the measurement, as does an answer to "
         "redis-benchmark that the server asked does not count as the one expected, and in P10 an idle connection that is not "
         "answered.")


@dataclasses.dataclass
class Figure:
    """`value` is what the target speaks of: a ratio or an amount; `at_most` or `at_least` is the target."""

    target_id: str
    what: str
    ours: str
    value: float
    theirs: str = ""
    at_most: float | None = None
    at_least: float | None = None
    unit: str = ""
    note: str = ""  # why the figure does not say what the target asks, where it does not

    @property
    def target(self):
        if self.at_most is not None:
            return f"<= {self.at_most:g}{self.unit}"
        return f">= {self.at_least:g}{self.unit}" if self.at_least is not None else ""

    @property
    def reached(self):
        """None: there is no target."""
        if self.at_most is not None:
            return self.value <= self.at_most
        return self.value >= self.at_least if self.at_least is not None else None

    @property
    def verdict(self):
        said = {None: "", True: "reached", False: "**missed**"}[self.reached]
        return f"{said} ({self.note})".strip() if self.note else said


def short(value, unit=""):
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}{unit}"


def table(figures):
    lines = ["| | what | ours | theirs | ratio or amount | target | |", "|---|---|---|---|---|---|---|"]
    return lines + [f"| {each.target_id} | {each.what} | {each.ours} | {each.theirs} | {short(each.value, each.unit)} "
                    f"| {each.target} | {each.verdict} |" for each in figures]


def machine_line():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                  if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}"


def versions(root):
    def said(*command):
        done = subprocess.run(command, text=True, capture_output=True, check=False)
        return done.stdout.strip()
    return ", ".join(["shearline " + (said("git", "-C", str(root), "describe", "--always", "--dirty") or "without git"),
                      "g++ " + said("g++", "-dumpfullversion"), " ".join(said("openssl", "version").split()[:2]),
                      "redis " + said("redis-server", "--version").split("v=")[1].split()[0]])


def page(root, command, scale, load_before, figures, details, account):
    """The whole page of one run, as `command` asked for it. `account` is a file kept by hand, to which the page only points."""
    busy = " The machine was busy: only the ratios mean something." if load_before > QUIET_LOAD_MAX else ""
    lines = [f"# Against the targets, {datetime.date.today()}", "",
             f"Machine: {machine_line()}. Versions: {versions(root)}. Load average before: {load_before:.2f}.{busy}", "",
             f"`{command}`: {scale.rounds} interleaved rounds of {scale.seconds:g} s, medians. Servers on core 0, clients on core "
             f"1, over loopback TCP, where nothing else is said. {PROOF}", ""]
    lines += table(figures)
    for title, text in details:
        lines += ["", f"## {title}", "", *text]
    lines += ["", "## What was tried", ""]
    name = pathlib.Path(account).name
    lines += [f"See [{name}]({name})." if pathlib.Path(account).exists() else f"Nothing is written down yet in `{name}`."]
    return "\n".join(lines) + "\n"
