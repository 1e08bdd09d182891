"""P8: what the operations of an MLS group cost on one thread, beside the primitives that they are made of."""

from .figures import Figure, short
from .world import Failed, bench, say

MEMBERS = 100  # what the targets speak of
# Operation, a second at least, and what a well-known C++ implementation reached where the targets were written.
TARGETS = (("protect", 21_000, 16_000), ("unprotect", 9_000, 6_900), ("create", 28, 21), ("join", 160, 130),
           ("commit warm", 900, 700))
# Of joining's time, what its Ed25519 verifications must take at least.
VERIFYING_PERCENT = 90
# Signatures that the RFC asks for: a message has one; a key package two, its own and its leaf's; who joins verifies the
# GroupInfo and every leaf (section 12.4.3.1). More would be work done twice, fewer a check left out.
SIGNATURES = {"protect": ("ed25519_sign", lambda _: 1), "unprotect": ("ed25519_verify", lambda _: 1),
              "create": ("ed25519_verify", lambda members: 2 * members), "join": ("ed25519_verify", lambda members: members + 1)}


def check_signatures(rows):
    for row in rows:
        which, needed = SIGNATURES.get(row["operation"], (None, None))
        if which and row["calls"][which] != needed(row["members"]):
            raise Failed(f"{row['operation']} with {row['members']} members makes {row['calls'][which]:g} calls of {which}, "
                         f"not {needed(row['members'])}")


def percent(share):
    return f"{100 * share:.0f} %"


def figures_of(rows, members):
    is_target = members == MEMBERS
    found = []
    of_size = {row["operation"]: row for row in rows if row["members"] == members}
    for operation, at_least, theirs in TARGETS:
        row = of_size[operation]
        allowed = row["per_second"] / row["verifying_share"] if row["verifying_share"] else 0
        impossible = is_target and operation == "join" and allowed < at_least
        found.append(Figure(
            "P8", f"MLS {operation}, {members} members, one thread",
            f"{short(row['us'], ' us')}, {percent(row['primitives_share'])} of it in Ed25519, X25519 and AEAD",
            row["per_second"], f"{short(theirs, '/s')}, seen once elsewhere", at_least=at_least if is_target else None, unit="/s",
            note=f"its Ed25519 verifications alone allow {short(allowed, '/s')} here" if impossible else ""))
    join = of_size["join"]
    found.append(Figure("P8", f"MLS join, {members} members: the part that is verifying Ed25519", short(join["us"], " us"),
                        100 * join["verifying_share"], f"verifying alone: {short(join['us'] * join['verifying_share'], ' us')}",
                        at_least=VERIFYING_PERCENT if is_target else None, unit=" %"))
    return found


def measure(_, scale):
    say(f"MLS: groups of {', '.join(map(str, scale.mls_members))}")
    seen = bench("mls_bench", "--json", "--rounds", scale.mls_rounds, "--seconds", scale.mls_seconds, "--members",
                 ",".join(map(str, scale.mls_members)))
    rows = seen["operations"]
    check_signatures(rows)
    costs = ", ".join(f"{name} {short(ns, ' ns')}" for name, ns in seen["primitives_ns"].items())
    lines = [f"CPU time on one thread, suite 1; of each round the fastest pass, medians of {seen['rounds']} rounds. Beside each "
             "operation stand the part of its time that its Ed25519, X25519 and AEAD calls take alone, and that of SHA-256. The "
             f"calls are counted while it runs. One call takes {costs}.",
             "", "| operation | members | a second | us | primitives | hashing | sign, verify | X25519: public, shared | AEAD |",
             "|---|---|---|---|---|---|---|---|---|"]
    for row in rows:
        calls = row["calls"]
        lines.append(f"| {row['operation']} | {row['members']:,} | {short(row['per_second'])} | {short(row['us'])} "
                     f"| {percent(row['primitives_share'])} | {percent(row['hashing_share'])} "
                     f"| {calls['ed25519_sign']:g}, {calls['ed25519_verify']:g} "
                     f"| {calls['x25519_public']:g}, {calls['x25519_shared']:g} | {calls['aead']:g} |")
    lines += ["", f"What was made and counted: sha-256 {seen['outcomes_sha256']}."]
    return figures_of(rows, MEMBERS if MEMBERS in scale.mls_members else max(scale.mls_members)), [("P8: MLS", lines)]
