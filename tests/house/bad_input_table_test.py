"""The table of docs/bad-input.md, checked by reading it: every test it names exists, every row names one, and each test against
a running server stands in a class that derives from `Undisturbed` and leaves its checks as they are.

Run by ctest as `bad_input_table_test.py ROOT`; prints each fault and ends with status 1 if there is one. With `--self-test`
it reads a table with one fault of each kind and expects to find them.
"""

import ast
import re

import checker

TABLE = "docs/bad-input.md"
ROW = re.compile(r"^\| (?P<input>.+?) \| (?P<tests>.+?) \|$")
CODE = re.compile(r"`([^`]+)`")
ROWS_MIN = 25  # a table that shrank to nothing proves nothing


BASE = "Undisturbed"
CHECKS = ("tearDown", "assert_nothing_changed", "assert_nothing_leaked", "unwatch", "without_expected", "secrets_known")


def calls_super(function):
    return any(isinstance(node, ast.Attribute) and node.attr == function.name and isinstance(node.value, ast.Call)
               and getattr(node.value.func, "id", "") == "super" for node in ast.walk(function))


def why_unchecked(cls):
    """What keeps the checks of the base class from the tests of this one; None: nothing."""
    if BASE not in [getattr(base, "id", "") for base in cls.bases]:
        return f"{cls.name} is no {BASE}"
    for function in cls.body:
        if isinstance(function, ast.FunctionDef) and function.name in CHECKS and not calls_super(function):
            return f"{cls.name}.{function.name} leaves out what {BASE} checks"
    return None


def tests_in(path):
    """Of a Python file its test methods, of a C++ file Suite.Name; with what keeps each from being checked."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        classes = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
        return {function.name: why_unchecked(cls) for cls in classes for function in cls.body
                if isinstance(function, ast.FunctionDef) and function.name.startswith("test_")}
    return {"%s.%s" % test: None for test in re.findall(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", text, re.MULTILINE)}


def faults_of(root, rows_min=ROWS_MIN):
    faults, rows = [], 0
    for number, line in enumerate((root / TABLE).read_text(encoding="utf-8").splitlines(), 1):
        row = ROW.match(line)
        if not row or set(row["input"]) <= set("-|") or row["input"] == "input":
            continue
        rows += 1
        path, known, named = None, {}, 0
        for word in CODE.findall(row["tests"]):
            if word.endswith((".py", ".cpp")):
                path = root / (word if "/" in word else "tests/journey/" + word)
                known = tests_in(path) if path.is_file() else {}
                if not path.is_file():
                    faults.append(f"{TABLE}:{number}: there is no {word}")
            elif word not in known:
                faults.append(f"{TABLE}:{number}: {path.name if path else 'no file'} has no {word}")
            elif known[word]:
                faults.append(f"{TABLE}:{number}: {word}: {known[word]}")
                named += 1
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
               "| gone | `a_test.py`: `test_gone` |\n| no file | `c_test.py`: `test_one` |\n| nothing | later |\n"
               "| alone | `a_test.py`: `test_alone`, `test_without_end` |\n",
        "tests/journey/a_test.py": "class A(Undisturbed):\n    def test_one(self):\n        pass\n"
                                   "    def tearDown(self):\n        super().tearDown()\n"
                                   "class B(TestCase):\n    def test_alone(self):\n        pass\n"
                                   "class C(Undisturbed):\n    def test_without_end(self):\n        pass\n"
                                   "    def tearDown(self):\n        pass\n",
        "tests/b_test.cpp": "TEST_F(Suite, Two) {\n",
    }
    expected = ["has no test_gone", "no test proves `gone`", "there is no c_test.py", "has no test_one", "no test proves `no file`",
                "no test proves `nothing`", "test_alone: B is no Undisturbed",
                "test_without_end: C.tearDown leaves out", "5 rows"]
    return checker.difference(checker.faults_in(files, faults_of), expected)


if __name__ == "__main__":
    checker.run(faults_of, self_test)
