"""Documentation that is run: every command the README shows, in its order, as somebody would type it, and every example of
`--help`. Only what belongs to this machine is put in the place of what belongs to the reader's: ports, folders, the Redis."""

import glob
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from deployment import BIN, PATIENCE, Process, Redis, free_port, wait_for

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PASSPHRASE = "a passphrase of alice"


class Reader:
    """Somebody with a folder, a shell, a Redis and a home of their own."""

    def __init__(self, test):
        self.folder = tempfile.mkdtemp(prefix="shearline-reader-")
        test.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.redis = Redis(self.folder).start()
        test.addCleanup(self.redis.stop)
        self.port = str(free_port())
        self.server = None
        test.addCleanup(self.end_server)

    def here(self, text):
        return text.replace("127.0.0.1:6379", self.redis.address).replace("7411", self.port)

    def environment(self, **more):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SHEARLINE_")}
        return {**kept, "HOME": self.folder, "PATH": BIN + os.pathsep + os.environ["PATH"], **more}

    def admin_environment(self):
        return self.environment(SHEARLINE_PASSPHRASE=PASSPHRASE, SHEARLINE_REDIS=self.redis.address,
                                SHEARLINE_SERVER="127.0.0.1:" + self.port)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write(text)

    def run(self, command):
        return subprocess.run(["bash", "-c", self.here(command)], cwd=self.folder, env=self.admin_environment(),
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=2 * PATIENCE)

    def start_server(self, command, login=()):
        self.end_server()
        os.chdir(self.folder)  # relative paths of the configuration
        self.server = Process(["bash", "-c", "exec " + self.here(command)], self.path("server.log"), self.environment())
        os.chdir("/")

        def answers():
            done = subprocess.run(["redis-cli", "--no-auth-warning", "-p", self.port, *login, "INFO"], capture_output=True, timeout=30)
            return b"shearline_ready:1" in done.stdout or not self.server.running()
        wait_for("the server", answers)
        if not self.server.running():
            raise AssertionError(self.server.said())

    def end_server(self):
        if self.server and self.server.running():
            self.server.stop()


def commands_of(block):
    """One each, continued lines joined, comments gone."""
    lines = block.replace("\\\n", " ").splitlines()
    return [command for command in (re.sub(r"\s+#\s.*$", "", line).strip() for line in lines) if command]


class Readme(unittest.TestCase):
    def setUp(self):
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as text:
            self.text = text.read()

    def test_every_command_works_in_its_order(self):
        reader = Reader(self)
        ran = []
        for language, block in re.findall(r"^```(\w+)\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL):
            if language == "toml":
                reader.write("shearline.toml", reader.here(block))
                continue
            self.assertEqual(language, "sh")
            for command in commands_of(block):
                self.check(reader, command)
                ran.append(command)
        words = " ".join(ran)
        for must in ("pepper init", "admin init", "--check", "group create", "credential create", "inbox", "verify", "rotate", "history", "--user edge"):
            self.assertIn(must, words)

    def check(self, reader, command):
        with self.subTest(command):
            if command.startswith("scripts/"):  # run by tests of their own: Tour, and by whoever runs this
                self.assertTrue(os.access(os.path.join(ROOT, command.split()[0]), os.X_OK))
            elif command == "shearline server --config shearline.toml":
                token = reader.path("edge.token")
                login = ("--user", "edge", "--pass", open(token, encoding="ascii").read().strip()) if os.path.exists(token) else ()
                reader.start_server(command, login)
            else:
                done = reader.run(command)
                self.assertEqual(done.returncode, 0, done.stderr.decode() + done.stdout.decode())
                self.check_said(command, done.stdout.decode())

    def check_said(self, command, said):
        if " verify " in command:
            self.assertIn("accepted, the newest secret", said)
        if command.endswith("INFO"):
            self.assertIn("shearline_ready:1", said)
        if " history " in command:
            self.assertIn("rotation.promoted by alice", said)

    def test_commands_inside_the_text_exist(self):
        inline = re.findall(r"`((?:shearline |shearline-loadgen |redis-cli |scripts/)[^`]*)`", re.sub(r"^```.*?^```$", "", self.text, flags=re.MULTILINE | re.DOTALL))
        self.assertTrue(inline)
        for command in inline:
            with self.subTest(command):
                words = command.split()
                if words[0].startswith("scripts/"):
                    self.assertTrue(os.access(os.path.join(ROOT, words[0]), os.X_OK))
                elif words[0].startswith("shearline"):
                    sub = [word for word in words[1:] if re.fullmatch(r"[a-z]+", word)]
                    subprocess.run([os.path.join(BIN, words[0]), *sub, "--help"], capture_output=True, check=True, timeout=PATIENCE)

    def test_every_file_it_points_to_is_there(self):
        for target in re.findall(r"\]\(([^)#]+)\)", self.text) + re.findall(r"`(docs/[^`]+)`", self.text):
            if not target.startswith("http"):
                self.assertTrue(os.path.exists(os.path.join(ROOT, target)), target)


class HelpExamples(unittest.TestCase):
    """Each leaf of the command line shows an example; each is run, in an order in which a deployment comes to life."""

    ORDER = ("pepper init", "admin init", "server", "admin show", "group create", "group add", "admin enroll", "group list", "list",
             "credential create", "inbox", "credential import", "credential show", "credential list", "verify", "rotate", "status",
             "history", "cancel", "ack", "promote", "revoke", "audit")

    def setUp(self):
        self.reader = Reader(self)
        self.program = os.path.join(BIN, "shearline")

    def help(self, *path):
        return subprocess.run([self.program, *path, "--help"], env=self.reader.environment(), capture_output=True, check=True,
                              timeout=PATIENCE).stdout.decode()

    def leaves(self, *path):
        said = self.help(*path)
        if path == ("server",) or "\nSubcommands:\n" not in said:
            return {" ".join(path): re.search(r"[Ee]xample:\s+(shearline .*)", said).group(1)}
        found = {}
        for name in re.findall(r"^  (\S+) ", said.split("\nSubcommands:\n")[1].split("\n\n")[0], re.MULTILINE):
            found.update(self.leaves(*path, name))
        return found

    def test_each_works(self):
        examples = self.leaves()
        self.assertEqual(set(examples), set(self.ORDER), "a command without its example being run, or one that is gone")
        for path in self.ORDER:
            with self.subTest(path):
                example = examples[path].replace("/etc/shearline", self.reader.folder)
                getattr(self, "before_" + path.replace(" ", "_"), lambda: None)()
                rotation = getattr(self, "rotation", None)
                if "01JZ0000000000000000000000" in example:
                    example = example.replace("01JZ0000000000000000000000", rotation)
                if path == "server":
                    self.reader.start_server(example)
                    continue
                done = self.reader.run(example)
                self.assertEqual(done.returncode, 0, example + "\n" + done.stderr.decode() + done.stdout.decode())
                if path == "admin init":
                    self.write_configuration(done.stdout.decode())
                if path == "verify":
                    self.assertIn("accepted, the newest secret", done.stdout.decode())

    def test_all_but_the_server_speak_json(self):
        """As the README says; what they answer when they succeed is seen in every other test."""
        for path in self.leaves():
            words = ["server", "--json"] if path == "server" else ["--json", *path.split(), "--no-such-option"]
            done = subprocess.run([self.program, *words], env=self.reader.environment(), capture_output=True,
                                  stdin=subprocess.DEVNULL, timeout=PATIENCE)
            with self.subTest(path):
                if path == "server":
                    self.assertEqual((done.returncode, done.stdout), (78, b""))
                else:
                    self.assertEqual((done.returncode, json.loads(done.stdout)["status"]), (2, "failed"))

    def write_configuration(self, admin):
        self.reader.write("rules.toml", 'bootstrap = true\nsupersede_admins = ["alice"]\n[class.default]\nminimum_interval = "0"\n')
        self.reader.write("kek", PASSPHRASE + "\n")
        self.reader.write("shearline.toml", self.reader.here(
            'deployment = "prod-eu"\ndata = "data"\nrules = "rules.toml"\n[listen]\nresp = ["127.0.0.1:7411"]\n[store]\n'
            'redis = "127.0.0.1:6379"\n[keyring]\nfile = "keyring.json"\nkek = "passphrase-file:kek"\n' + admin))

    def must(self, command):
        done = self.reader.run(command)
        self.assertEqual(done.returncode, 0, done.stderr.decode() + done.stdout.decode())
        return done.stdout.decode()

    def start_rotation(self):
        said = self.must("shearline rotate acme-staging --grace 0s --supersede --no-follow")
        self.rotation = re.search(r"^rotation id +(\S+)$", said, re.MULTILINE).group(1)

    def before_admin_enroll(self):
        self.must("shearline --keys bob.json admin init bob --person bob@example.com --engine keyring.public")

    def before_credential_import(self):
        self.reader.write("legacy.jsonl", '{"client_id":"legacy-1","secret":"a-secret-of-a-legacy-client-1"}\n')

    def before_verify(self):
        shutil.copy(glob.glob(self.reader.path("secrets/*.secret"))[0], self.reader.path("acme.secret"))
        wait_for("the table", lambda: self.reader.run("shearline verify acme-staging --secret-file acme.secret").returncode == 0)

    def before_rotate(self):
        inbox = subprocess.Popen([self.program, "inbox", "--once", "--out", self.reader.path("secrets")], cwd=self.reader.folder,
                                 env=self.reader.admin_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(inbox.wait, timeout=PATIENCE)

    def before_cancel(self):
        self.start_rotation()
        self.must("shearline inbox --once --no-ack --out cancelled --timeout 30s")

    def before_ack(self):
        self.start_rotation()
        self.must("shearline inbox --once --no-ack --out unacknowledged --timeout 30s")
        shutil.copy(glob.glob(self.reader.path("unacknowledged/*.secret"))[0], self.reader.path("acme.secret"))

    def before_audit(self):
        """The trail of the node that ran, as if it had been two."""
        for node in ("node-1", "node-2"):
            os.makedirs(self.reader.path(node))
            shutil.copy(self.reader.path("data/audit.jsonl"), self.reader.path(node))

    def before_promote(self):
        """Acknowledged, so that nothing but the time of its promotion is left: promote says that it is done."""
        self.start_rotation()
        self.must("shearline inbox --once --timeout 30s")


if __name__ == "__main__":
    unittest.main(verbosity=2)
