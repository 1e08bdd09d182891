"""What the checkers of this folder share: how ctest calls them, and a tree of a few files with faults put in on purpose."""

import pathlib
import sys
import tempfile


def faults_in(files, faults_of):
    """The faults that faults_of(root) finds in a tree of these files, by name."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        return list(faults_of(root))


def difference(found, expected):
    """What is missing where each of `expected` must be part of a fault, and there may be no other faults."""
    return [f"not found: {part}" for part in expected if not any(part in fault for fault in found)] + (
        [] if len(found) == len(expected) else [f"{len(found)} faults found, not {len(expected)}: {found}"])


def run(faults_of, self_test):
    """Called as `CHECKER ROOT` or `CHECKER --self-test`: prints each fault, ends with status 1 if there is one."""
    arguments = sys.argv[1:]
    if len(arguments) != 1:
        sys.exit(f"usage: {pathlib.Path(sys.argv[0]).name} ROOT | --self-test")
    faults = self_test() if arguments == ["--self-test"] else faults_of(pathlib.Path(arguments[0]))
    for fault in faults:
        print(fault)
    print(f"{len(faults)} faults")
    sys.exit(1 if faults else 0)
