"""The table of actors/messages.hpp, checked by reading what the actors send: each sender, receiver, message and reaction of a
full mailbox stands in it, and nothing else does.

Run by ctest as `messages_table_test.py ROOT`; prints each fault and ends with status 1 if there is one. With `--self-test`
it reads a house with one fault of each kind and expects to find them.
"""

import re

import checker

TABLE = "actors/messages.hpp"
ROW = re.compile(r"^//   (?P<senders>[a-z, ]+?)  +(?P<receivers>[a-z, ]+?)  +(?P<message>[A-Z]\w+)  +(?P<full>\w+|\(control\))  +\S")
SEND = re.compile(r"(?P<receiver>[a-z]+)_?(?:\.mailbox\(\))?\.send(?P<control>_control)?\((?P<message>\w+)(?P<made>\{?)")
MAILBOX = re.compile(r"^using (?P<actor>\w+)Mailbox = Mailbox<\w+, \d+, WhenFull::(?P<full>\w+)>;", re.MULTILINE)

# Files that are a part of one actor; every other file that sends is named after its actor.
PART_OF = {"credential_changes": "rotation", "credential_records": "rotation", "import_command": "rotation", "minting": "rotation",
           "refusal_record": "admin", "timers": "rotation"}


def told(text):
    """(sender, receiver, message, reaction) of every row."""
    rows = set()
    for line in text.splitlines():
        row = ROW.match(line)
        if row:
            rows |= {(sender, receiver, row["message"], row["full"]) for sender in row["senders"].split(", ")
                     for receiver in row["receivers"].split(", ")}
    return rows


def sent(root, reactions):
    rows, faults = set(), []
    for path in sorted((root / "actors").glob("*.?pp")):
        if path.name in ("mailbox.hpp", "messages.hpp"):
            continue
        sender = PART_OF.get(path.stem, path.stem)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for send in SEND.finditer(line):
                if not send["made"]:
                    faults.append(f"actors/{path.name}:{number}: name the message where it is sent: send(Message{{...}})")
                    continue
                full = "(control)" if send["control"] else reactions.get(send["receiver"], "no mailbox")
                rows.add((sender, send["receiver"], send["message"], full))
    return rows, faults


def faults_of(root):
    text = (root / TABLE).read_text(encoding="utf-8")
    reactions = {mailbox["actor"].lower(): mailbox["full"] for mailbox in MAILBOX.finditer(text)}
    in_table = told(text)
    in_files, faults = sent(root, reactions)
    faults += ["not in the table: %s -> %s %s %s" % row for row in sorted(in_files - in_table)]
    faults += ["nobody sends it: %s -> %s %s %s" % row for row in sorted(in_table - in_files)]
    return faults if in_table else faults + [f"{TABLE}: there is no table"]


def self_test():
    table = ("//   from   to     message  when full\n//   admin  audit  Grew     wait         it grew\n"
             "//   admin  audit  Shrank   wait         it shrank\n//   admin  audit  Told     (control)    a state\n"
             "using AuditMailbox = Mailbox<AuditMessage, 2, WhenFull::wait>;\n")
    files = {
        TABLE: table,
        "actors/admin.cpp": "  audit.send(Grew{1});\n  told.audit.send_control(Told{});\n  audit.send(grew);\n",
        "actors/minting.cpp": "  audit_.send(Grew{1});\n",
    }
    expected = ["admin.cpp:3: name the message", "not in the table: rotation -> audit Grew wait",
                "nobody sends it: admin -> audit Shrank wait"]
    return checker.difference(checker.faults_in(files, faults_of), expected)


if __name__ == "__main__":
    checker.run(faults_of, self_test)
