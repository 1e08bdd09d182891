#!/usr/bin/env python3
"""That no function compiled for AVX-512, AVX2 or the SHA extensions can stand in for one that every processor runs.

The linker keeps one copy of an inline function that several files define. Had one of the kernels' files such a copy,
the program could end with SIGILL anywhere on a processor without that instruction set.

    lanes_symbols_test.py NM ARCHIVE
"""

import re
import subprocess
import sys

# A file is named for its instruction set, and so is each function that others call in it: no other file has that name.
KERNEL = re.compile(r"_(avx2|avx512|sha_ni|armv8)\.cpp\.o$")
SHARED = set("TWi")  # global and weak functions; weak data (V, u) holds no instructions


def main():
    nm, archive = sys.argv[1:]
    listing = subprocess.run([nm, "--defined-only", "--print-file-name", "--format=posix", archive], check=True,
                             text=True, capture_output=True).stdout
    seen, bad = set(), []
    for line in listing.splitlines():  # ARCHIVE[MEMBER]: NAME KIND VALUE SIZE
        place, _, symbol = line.partition("]: ")
        member = place.rpartition("[")[2]
        instruction_set = KERNEL.search(member)
        if not instruction_set:
            continue
        seen.add(member)
        name, kind = symbol.split()[:2]
        if kind in SHARED and not (kind == "T" and instruction_set[1] in name):
            bad.append(f"{member}: {kind} {name}")
    if not seen:
        sys.exit(f"no kernel's file found in {archive}")
    if bad:
        sys.exit("functions that other files might be linked to:\n" + "\n".join(bad))
    print(f"none in {', '.join(sorted(seen))}")


if __name__ == "__main__":
    main()
