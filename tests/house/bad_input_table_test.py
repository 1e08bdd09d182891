"""The table of docs/bad-input.md, checked by reading it: every test it names exists, and every row names one.

Run by ctest as `bad_input_table_test.py ROOT`; prints each fault and ends with status 1 if there is one. With `--self-test`
it reads a table with one fault of each kind and expects to find them.
"""

import pathlib
import re
import sys
import tempfile

TABLE = "docs/bad-input.md"
ROW = re.compile(r"^\| (?P<input>.+?) \| (?P<tests>.+?) \|$")
CODE = re.compile(r"`([^`]+)`")
ROWS_MIN = 25  # a table that shrank to nothing proves nothing


def names_in(path):
    """Of a Python file its test methods, of a C++ file Suite.Name."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return set(re.findall(r"^    def (test_\w+)\(", text, re.MULTILINE))
    return {"%s.%s" % test for test in re.findall(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", text, re.MULTILINE)}


def faults_of(root, rows_min=ROWS_MIN):
    faults, rows = [], 0
    for number, line in enumerate((root / TABLE).read_text(encoding="utf-8").splitlines(), 1):
        row = ROW.match(line)
        if not row or set(row["input"]) <= set("-|") or row["input"] == "input":
            continue
        rows += 1
        path, known, named = None, set(), 0
        for word in CODE.findall(row["tests"]):
            if word.endswith((".py", ".cpp")):
                path = root / (word if "/" in word else "tests/journey/" + word)
                known = names_in(path) if path.is_file() else set()
                if not path.is_file():
                    faults.append(f"{TABLE}:{number}: there is no {word}")
            elif word not in known:
                faults.append(f"{TABLE}:{number}: {path.name if path else 'no file'} has no {word}")
            else:
                named += 1
        if named == 0:
            faults.append(f"{TABLE}:{number}: no test proves `{row['input']}`")
    if rows < rows_min:
        faults.append(f"{TABLE}: {rows} rows, at least {rows_min} are expected")
    return faults


def self_test():
    files = {
        TABLE: "| input | test |\n|---|---|\n| good | `a_test.py`: `test_one`; `tests/b_test.cpp`: `Suite.Two` |\n"
               "| gone | `a_test.py`: `test_gone` |\n| no file | `c_test.py`: `test_one` |\n| nothing | later |\n",
        "tests/journey/a_test.py": "class A:\n    def test_one(self):\n",
        "tests/b_test.cpp": "TEST_F(Suite, Two) {\n",
    }
    expected = ["has no test_gone", "no test proves `gone`", "there is no c_test.py", "has no test_one", "no test proves `no file`",
                "no test proves `nothing`", "4 rows"]
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        found = faults_of(root)
    return [f"not found: {part}" for part in expected if not any(part in fault for fault in found)] + (
        [] if len(found) == len(expected) else [f"{len(found)} faults found, not {len(expected)}: {found}"])


def main(arguments):
    faults = self_test() if arguments == ["--self-test"] else faults_of(pathlib.Path(arguments[0]))
    for fault in faults:
        print(fault)
    print(f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
