"""What scripts/test says of skipped tests: each way in which ctest or a test's own framework skips is counted, with its reason.
Real ctest runs a project that has one test of each kind.

Run by ctest as `skipped_test.py ROOT`.
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv.pop(1))
# By name: what the test prints, its status, what ctest is told of it; and what is counted of it.
KINDS = {
    "GoogleTest": ("a_test.cpp:7: Skipped\nno x.json in /some/folder\n\n[  SKIPPED ] A.B (0 ms)", 0,
                   'SKIP_REGULAR_EXPRESSION "\\\\[  SKIPPED \\\\]"', "no test vectors in /some/folder"),
    "Unittest": ("test_a (A.test_a) ... skipped 'ioredis is not installed'\nOK (skipped=1)", 0, None, "ioredis is not installed"),
    "Words": ('C++ exception with description "avx9 is no kernel of this processor" thrown in the test body.\n1 FAILED TEST', 1,
              'SKIP_REGULAR_EXPRESSION "is no kernel of"', "avx9 is no kernel of this processor"),
    "Status": ("looking\nnothing to emulate with", 77, "SKIP_RETURN_CODE 77", "nothing to emulate with"),
    "StatusAndWords": ("... skipped 'not installed: qemu'", 77, "SKIP_RETURN_CODE 77", "not installed: qemu"),
    "Silent": ("", 77, "SKIP_RETURN_CODE 77", "Silent says nothing"),
    "Passed": ("passed", 0, 'SKIP_REGULAR_EXPRESSION "is no kernel of"', None),
    "Failed": ("is wrong", 1, "SKIP_RETURN_CODE 77", None),
}


def ran(command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


class Skipped(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def summary(self, names):
        """Of a run of these kinds."""
        lines = ["cmake_minimum_required(VERSION 3.20)", "project(Kinds NONE)", "enable_testing()"]
        for name in names:
            prints, status, properties, _ = KINDS[name]
            (self.folder / f"{name}.sh").write_text(f"cat {self.folder}/{name}.txt\nexit {status}\n", encoding="utf-8")
            (self.folder / f"{name}.txt").write_text(prints + "\n" if prints else "", encoding="utf-8")
            lines.append(f"add_test(NAME {name} COMMAND sh {self.folder}/{name}.sh)")
            if properties:
                lines.append(f"set_tests_properties({name} PROPERTIES {properties})")
        (self.folder / "CMakeLists.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        build = self.folder / "build"
        configured = ran(["cmake", "-S", self.folder, "-B", build])
        self.assertEqual(configured.returncode, 0, configured.stderr)
        printed = ran(["ctest", "--test-dir", build]).stdout
        closing = self.folder / "closing"
        closing.write_text(printed[printed.index("% tests passed"):], encoding="utf-8")
        summed_up = ran(["awk", "-f", ROOT / "scripts" / "skipped.awk", closing, build / "Testing" / "Temporary" / "LastTest.log"])
        self.assertEqual((summed_up.returncode, summed_up.stderr), (0, ""))
        return summed_up.stdout

    def test_every_kind_is_counted_with_its_reason(self):
        reasons = [reason for *_, reason in KINDS.values() if reason]
        said = self.summary(KINDS)
        self.assertTrue(said.startswith(f"skipped: {len(reasons)} ("), said)
        for reason in reasons:
            self.assertEqual(said.count(f"1: {reason}"), 1, said)

    def test_nothing_is_counted_where_all_ran(self):
        self.assertEqual(self.summary(["Passed", "Failed"]), "skipped: 0\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
