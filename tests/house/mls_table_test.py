"""The table of docs/mls.md with the mistakes that others have made, checked by reading it: every test it names exists in
tests/mls, and every row names at least one.

Run by ctest as `mls_table_test.py ROOT`; prints each fault and ends with status 1 if there is one. With `--self-test` it
reads a table with one fault of each kind and expects to find them.
"""

import re

import checker

TABLE = "docs/mls.md"
HEADING = "### Mistakes that others have made"
ROW = re.compile(r"^\| (?P<mistake>.+?) \| (?P<tests>.+?) \|$")
NAMED = re.compile(r"`(\w+)\.(\w+|\*)`")
TEST = re.compile(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", re.MULTILINE)
ROWS = 24  # those of the design's list


def tests_there(root):
    return {test for path in (root / "tests/mls").rglob("*_test.cpp") for test in TEST.findall(path.read_text(encoding="utf-8"))}


def faults_of(root, rows_expected=ROWS):
    there = tests_there(root)
    suites = {suite for suite, _ in there}
    faults, rows = [], 0
    section = (root / TABLE).read_text(encoding="utf-8").partition(HEADING)[2].partition("\n#")[0]
    for line in section.splitlines():
        row = ROW.match(line)
        if not row or set(row["mistake"]) <= set("-|") or row["mistake"] == "mistake":
            continue
        rows += 1
        named = NAMED.findall(row["tests"])
        if not named:
            faults.append(f"{TABLE}: no test for `{row['mistake']}`")
        faults += [f"{TABLE}: there is no {suite}.{test}" for suite, test in named
                   if (suite, test) not in there and not (test == "*" and suite in suites)]
    if rows != rows_expected:
        faults.append(f"{TABLE}: {rows} rows, {rows_expected} are expected")
    return faults


def self_test():
    files = {
        TABLE: f"| before | `No.Test` |\n{HEADING}\n| mistake | test |\n|---|---|\n| good | `Suite.One`, `Suite.*` |\n"
               "| gone | `Suite.Gone` |\n| nothing | later |\n| no suite | `Nowhere.*` |\n",
        "tests/mls/a_test.cpp": "TEST_F(Suite, One) {\n",
    }
    expected = ["there is no Suite.Gone", "no test for `nothing`", "there is no Nowhere.*", "4 rows"]
    return checker.difference(checker.faults_in(files, faults_of), expected)


if __name__ == "__main__":
    checker.run(faults_of, self_test)
