"""docs/ARCHITECTURE.md against the tree: its table names every room that is there and no other, each on the floor on which
house_test.py sees it; and every file it speaks of exists.

Run by ctest as `rooms_page_test.py ROOT`; prints each fault and ends with status 1 if there is one. With `--self-test` it reads
a page with one fault of each kind and expects to find them.
"""

import re

import checker
import house_test

PAGE = "docs/ARCHITECTURE.md"
ROW = re.compile(r"^\| `(?P<room>[\w/]+?)/?` \| (?P<floor>[-\d]) \| .+ \|$", re.MULTILINE)
FILE = re.compile(r"`((?:%s)/[\w./]+)`" % "|".join(sorted({room.split("/")[0] for room in house_test.MAY_INCLUDE})))
FLOOR_3, FLOOR_4, FLOOR_5 = {"actors"}, {"server", "cli", "loadgen"}, {"app"}
FLOORS = [house_test.FLOOR_0, house_test.FLOOR_1, house_test.FLOOR_2, FLOOR_3, FLOOR_4, FLOOR_5]


def rooms_of(root):
    """Folders that the build knows: those with a CMakeLists.txt, of io/ the ones in it."""
    built = {path.parent.relative_to(root) for pattern in ("*/CMakeLists.txt", "io/*/CMakeLists.txt") for path in root.glob(pattern)}
    return {path.as_posix() for path in built if path.parts[0] not in ("build", "cmake")}


def floor_of(room):
    return next((str(number) for number, rooms in enumerate(FLOORS) if room in rooms), "-")


def faults_of(root):
    text = (root / PAGE).read_text(encoding="utf-8")
    named = {row["room"]: row["floor"] for row in ROW.finditer(text)}
    there = rooms_of(root)
    faults = [f"{PAGE}: the table leaves out `{room}`" for room in sorted(there - named.keys())]
    faults += [f"{PAGE}: there is no room `{room}`" for room in sorted(named.keys() - there)]
    faults += [f"{PAGE}: `{room}` is on floor {floor_of(room)}, not {floor}" for room, floor in sorted(named.items())
               if room in there and floor != floor_of(room)]
    for name in sorted(set(FILE.findall(text)) - named.keys()):
        if not any((root / (name.rstrip("/") + suffix)).exists() for suffix in ("", ".hpp", ".cpp")):
            faults.append(f"{PAGE}: there is no `{name}`")
    return faults


def self_test():
    files = {
        "base/CMakeLists.txt": "", "engine/CMakeLists.txt": "", "engine/batch.hpp": "", "io/loop/CMakeLists.txt": "", "tests/CMakeLists.txt": "",
        PAGE: "| `base/` | 0 | x |\n| `engine/` | 2 | x |\n| `attic/` | 1 | x |\n| `tests/` | - | x |\n"
              "`engine/batch` and `engine/bulk` and `base/`\n",
    }
    expected = {f"{PAGE}: the table leaves out `io/loop`", f"{PAGE}: there is no room `attic`", f"{PAGE}: `engine` is on floor 1, not 2",
                f"{PAGE}: there is no `engine/bulk`"}
    found = set(checker.faults_in(files, faults_of))
    return [f"not found: {fault}" for fault in expected - found] + [f"not a fault: {fault}" for fault in found - expected]


if __name__ == "__main__":
    checker.run(faults_of, self_test)
