"""P1: the HMAC of a check on one core, beside HMAC(), a keyed EVP_MAC and ipsec-mb's bursts."""

import os

from .figures import Figure, short
from .world import BIN, Failed, run

OURS = "lanes"
# What each forced kernel is held against where its processor has nothing better.
KERNELS = (("avx2", "ipsec-mb AVX2"), ("sha_ni", "ipsec-mb SSE and SHA-NI"))
# What a processor with less than this one would take for few checks, held against an OpenSSL that is not told of the SHA
# extensions either (bit 29 of EBX in leaf 7, which it asks for only once).
LESSER = ("AVX2 alone", "AVX-512 without SHA-NI")
WITHOUT_SHA = {"OPENSSL_ia32cap": ":~0x20000000"}
PARTIAL = (1, 2, 4, 8)


def columns_of(text):
    """The first table lanes_bench prints: nanoseconds by name and batch size."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("| ns per check"))
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[start:]]
    sizes = [int(size) for size in cells[0][1:]]
    found = {}
    for row in cells[2:]:
        if len(row) != len(sizes) + 1:
            break
        found[row[0]] = dict(zip(sizes, map(float, row[1:])))
    return found


def measure(_, scale):
    text = run([BIN / "lanes_bench", "--rounds", scale.lanes_rounds, "--checks", scale.lanes_checks])
    if "the same of every column as of OpenSSL" not in text:
        raise Failed("lanes_bench did not say that its digests are right")
    ns = columns_of(text)
    ours = ns[OURS][64]

    def against(name, peer, mine, theirs, at_least):
        return Figure("P1", name, short(mine, " ns"), theirs / mine, f"{peer}: {short(theirs, ' ns')}", at_least=at_least,
                      unit="x")

    figures = [against("HMAC, batches of 64", "`HMAC()`", ours, ns["HMAC() one-shot"][64], 35)]
    if "ipsec-mb, its choice" in ns:
        figures.append(against("HMAC, batches of 64", "ipsec-mb", ours, ns["ipsec-mb, its choice"][64], 2))
    for kernel, peer in KERNELS:
        if "lanes " + kernel in ns and peer in ns:
            figures.append(against(f"{kernel} only, batches of 64", peer, ns["lanes " + kernel][64], ns[peer][64], 1))

    def partial(name, peer, mine, theirs):
        worst = min(PARTIAL, key=lambda size: theirs[size] / mine[size])
        figures.append(against(f"{name}: the worst of {', '.join(map(str, PARTIAL))} is {worst}", peer, mine[worst],
                               theirs[worst], 1))

    partial("partial batches", "keyed `EVP_MAC`", ns[OURS], ns["keyed EVP_MAC"])
    without = run([BIN / "lanes_bench", "--rounds", scale.lanes_rounds, "--checks", scale.lanes_checks // 4, "--batches",
                   ",".join(map(str, PARTIAL))], env={**os.environ, **WITHOUT_SHA})
    ns_without = columns_of(without)
    for lesser in LESSER:
        if "lanes as on " + lesser in ns_without:
            partial(f"partial batches, {lesser}", "keyed `EVP_MAC` without SHA-NI", ns_without["lanes as on " + lesser],
                    ns_without["keyed EVP_MAC"])
    return figures, [("P1: lanes_bench", text.strip().splitlines()),
                     ("P1: lanes_bench, OpenSSL without SHA-NI", without.strip().splitlines())]
