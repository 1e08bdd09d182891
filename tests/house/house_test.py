"""The order of the house, checked by reading it: which room may include which (architecture.md "Folders"), where
third-party headers stay (runtime.md "Small facts"), and the habits of style.md that a script can see.

Run by ctest as `house_test.py ROOT`; prints each offending line and ends with status 1 if there is one. With
`--self-test` it first builds a small house with one fault of each kind and expects to find them all.
"""

import pathlib
import re
import sys
import tempfile

# What a room may include besides itself. The floors are those of architecture.md; a missing room may include nothing.
FLOOR_0 = {"base"}
FLOOR_1 = {"engine", "policy", "mls", "ledger"}
FLOOR_2 = {"io/loop", "io/wire", "io/store", "io/keys", "io/front"}
UP_TO_2 = FLOOR_0 | FLOOR_1 | FLOOR_2
MAY_INCLUDE = {
    "base": set(),
    "engine": FLOOR_0,
    "policy": FLOOR_0,
    "mls": FLOOR_0,
    "ledger": FLOOR_0,
    "io/loop": FLOOR_0,
    "io/wire": FLOOR_0 | {"engine", "policy"},
    "io/store": FLOOR_0 | FLOOR_1 | {"io/loop", "io/wire"},
    "io/keys": FLOOR_0,
    "io/front": FLOOR_0 | FLOOR_1 | {"io/loop", "io/wire"},
    "actors": UP_TO_2,
    "server": UP_TO_2 | {"actors"},
    "cli": UP_TO_2,
    "loadgen": FLOOR_0 | {"io/loop", "io/wire"},
    "app": UP_TO_2 | {"actors", "server", "cli", "loadgen"},
}

# Third-party headers with a home of their own: what may include them, as a pattern over the file's path.
HOMES = {
    r"spdlog/": r"base/log\.cpp",
    r"liburing": r"io/loop/.*",
    r"hiredis/": r"io/store/.*",
    r"msgpack": r"io/wire/.*",
}
# Slow to compile: a header with it is private to its room and included by .cpp files only.
NLOHMANN = "nlohmann/json.hpp"

# Above what style.md asks for (about 400), so that a file is not split in a hurry; tests are lists and may be longer.
LINES_MAX = 600
TEST_LINES_MAX = 800
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')
FOLDERS_WITHOUT_FLOOR = ["tests", "bench"]


def room_of(path):
    parts = path.parts
    return "/".join(parts[:2]) if parts[0] == "io" else parts[0]


class House:
    def __init__(self, root):
        self.root = root
        self.faults = []
        folders = sorted({room.split("/")[0] for room in MAY_INCLUDE}) + FOLDERS_WITHOUT_FLOOR
        self.files = sorted(
            path.relative_to(root)
            for folder in folders
            for suffix in ("*.hpp", "*.cpp")
            for path in (root / folder).rglob(suffix)
        )
        self.lines = {path: (root / path).read_text(encoding="utf-8").splitlines() for path in self.files}
        self.slow_headers = {
            str(path) for path in self.files if path.suffix == ".hpp" and NLOHMANN in self.system_includes(path)
        }

    def fault(self, path, number, why, line=""):
        self.faults.append(f"{path}:{number}: {why}" + (f"\n    {line.strip()}" if line else ""))

    def includes(self, path):
        """(line number, line, quoted name or None, system name or None)"""
        for number, line in enumerate(self.lines[path], 1):
            match = INCLUDE.match(line)
            if match:
                yield number, line, match.group(1), match.group(2)

    def system_includes(self, path):
        return {system for _, _, _, system in self.includes(path) if system}

    def check(self):
        for path in self.files:
            has_floor = path.parts[0] not in FOLDERS_WITHOUT_FLOOR
            self.check_shape(path)
            for number, line, ours, theirs in self.includes(path):
                if ours:
                    self.check_own_include(path, number, line, ours, has_floor)
                elif has_floor:
                    self.check_third_party(path, number, line, theirs)
        return self.faults

    def check_shape(self, path):
        lines = self.lines[path]
        if path.suffix == ".hpp":
            if not lines or not lines[0].startswith("//"):
                self.fault(path, 1, "a header opens with what lives here, who uses it, what it must not know")
            if "#pragma once" not in lines:
                self.fault(path, 1, "a header needs #pragma once")
        lines_max = TEST_LINES_MAX if path.parts[0] == "tests" else LINES_MAX
        if len(lines) > lines_max:
            self.fault(path, len(lines), f"longer than {lines_max} lines: it wants to be two files")

    def check_own_include(self, path, number, line, ours, has_floor):
        if not has_floor and (self.root / path.parent / ours).is_file():
            return  # a test's own neighbour
        if not (self.root / ours).is_file():
            self.fault(path, number, "includes are written from the root of the project, and exist", line)
            return
        if not has_floor:
            return
        room, other = room_of(path), room_of(pathlib.PurePath(ours))
        if room not in MAY_INCLUDE:
            self.fault(path, number, f"`{room}` is no room of architecture.md", line)
        elif other != room and other not in MAY_INCLUDE[room]:
            self.fault(path, number, f"`{room}` must not include `{other}`", line)
        if ours in self.slow_headers and (path.suffix == ".hpp" or other != room):
            self.fault(path, number, "brings nlohmann's JSON into a header or another room", line)

    def check_third_party(self, path, number, line, theirs):
        for pattern, home in HOMES.items():
            if re.match(pattern, theirs) and not re.fullmatch(home, str(path)):
                self.fault(path, number, f"<{theirs}> has its home in {home}", line)


# One fault of each kind, and beside them what is allowed.
FAULTY_HOUSE = {
    "base/a.hpp": "// A.\n#pragma once\n",
    "base/up.cpp": '#include "engine/b.hpp"\n',
    "base/home.cpp": "#include <spdlog/spdlog.h>\n",
    "engine/b.hpp": "// B.\n#pragma once\n#include \"base/a.hpp\"\n",
    "engine/bare.hpp": "#pragma once\n",
    "engine/twice.hpp": "// No guard.\n",
    "engine/long.cpp": "//\n" * (LINES_MAX + 1),
    "policy/slow.hpp": "// JSON.\n#pragma once\n#include <nlohmann/json.hpp>\n",
    "policy/fine.cpp": '#include "policy/slow.hpp"\n',
    "policy/spread.hpp": '// Spreads.\n#pragma once\n#include "policy/slow.hpp"\n',
    "io/keys/k.cpp": '#include "io/loop/l.hpp"\n',
    "io/loop/l.hpp": "// L.\n#pragma once\n",
    "io/wire/w.cpp": '#include "a.hpp"\n',
}
EXPECTED_FAULTS = {
    "base/up.cpp:1": "`base` must not include `engine`",
    "base/home.cpp:1": "has its home",
    "engine/bare.hpp:1": "opens with",
    "engine/twice.hpp:1": "#pragma once",
    f"engine/long.cpp:{LINES_MAX + 1}": "longer than",
    "policy/spread.hpp:3": "brings nlohmann",
    "io/keys/k.cpp:1": "`io/keys` must not include `io/loop`",
    "io/wire/w.cpp:1": "written from the root",
}


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in FAULTY_HOUSE.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        faults = House(root).check()
    missed = [
        f"not found: {place} {words}"
        for place, words in EXPECTED_FAULTS.items()
        if not any(fault.startswith(place + ":") and words in fault for fault in faults)
    ]
    invented = [
        f"not a fault: {fault}"
        for fault in faults
        if not any(fault.startswith(place + ":") for place in EXPECTED_FAULTS)
    ]
    return missed + invented


def main(arguments):
    if arguments == ["--self-test"]:
        faults = self_test()
        checked = len(FAULTY_HOUSE)
    else:
        house = House(pathlib.Path(arguments[0]))
        faults = house.check()
        checked = len(house.files)
    for fault in faults:
        print(fault)
    print(f"{checked} files read, {len(faults)} faults")
    return 1 if faults or checked == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
