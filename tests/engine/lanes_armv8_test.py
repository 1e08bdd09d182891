#!/usr/bin/env python3
"""That the ARMv8 kernel compiles with the house's warnings and says what the portable one says, on a machine that is no ARM:
the lanes are cross-compiled and run by qemu. On an ARM the ordinary tests of the lanes do this, and more.

    lanes_armv8_test.py SOURCE_DIR
"""

import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile

COMPILER, EMULATOR = "aarch64-linux-gnu-g++", "qemu-aarch64"
# As engine/CMakeLists.txt and cmake/Shearline.cmake compile them.
FLAGS = ["-std=c++23", "-O2", "-DNDEBUG", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror", "-Wno-restrict"]
OWN_FLAGS = {"engine/lanes_armv8.cpp": ["-march=armv8-a+crypto"]}
SOURCES = ["tests/engine/lanes_armv8_main.cpp", "engine/lanes.cpp", "engine/lanes_plan.cpp", "engine/lanes_portable.cpp",
           "engine/lanes_armv8.cpp"]
SKIPPED = 77


def main():
    root = pathlib.Path(sys.argv[1])
    if platform.machine() == "aarch64":
        print("... skipped 'an ARM: the other tests of the lanes run its kernel'")
        return SKIPPED
    lacking = [tool for tool in (COMPILER, EMULATOR) if shutil.which(tool) is None]
    if lacking:
        print(f"... skipped 'not installed: {', '.join(lacking)} (scripts/install-packages test)'")
        return 1 if os.environ.get("SHEARLINE_REQUIRE_PEERS") else SKIPPED
    with tempfile.TemporaryDirectory(prefix="shearline-armv8-") as folder:
        objects = []
        for source in SOURCES:
            objects.append(os.path.join(folder, pathlib.Path(source).stem + ".o"))
            subprocess.run([COMPILER, *FLAGS, *OWN_FLAGS.get(source, []), f"-I{root}", "-c", root / source, "-o", objects[-1]],
                           check=True)
        program = os.path.join(folder, "lanes")
        subprocess.run([COMPILER, "-static", *objects, "-o", program], check=True)
        return subprocess.run([EMULATOR, program], timeout=300, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
