"""A deployment as an operator would set it up, on real parts: a private Redis, engines, admins with their command line.

Used by every journey test. Everything lives in one temporary folder and every process is ended by its pid; nothing here
reaches into a process, so what a test sees is what a user would see.
"""

import collections
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from resp import Resp

BIN = os.environ.get("SHEARLINE_BIN") or sys.exit("SHEARLINE_BIN must name the folder with shearline and shearline-loadgen")
KEYRING_PASSPHRASE = "a passphrase for the keyring"
PATIENCE = float(os.environ.get("SHEARLINE_PATIENCE", "60"))  # seconds until a test gives up on what it waits for


class Impatient(AssertionError):
    """What a test waited for did not come."""


def wait_for(what, condition, patience=None):
    """Waits for an event that the outside can only see by looking; returns what the condition returned."""
    end = time.monotonic() + (patience or PATIENCE)
    while True:
        seen = condition()
        if seen:
            return seen
        if time.monotonic() > end:
            raise Impatient("waited in vain for " + what)
        time.sleep(0.02)


def free_port():
    """A TCP port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A child with its output in a file, ended by its pid. `before` is called in it, before it becomes the program."""

    def __init__(self, command, log, env=None, before=None):
        self.log = log
        with open(log, "ab") as out:
            self.child = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=env, preexec_fn=before)

    def running(self):
        return self.child.poll() is None

    def signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            self.child.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.child.wait()

    def stop(self):
        """In good order; the exit status."""
        self.signal(signal.SIGTERM)
        try:
            return self.child.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Impatient("it did not stop: " + self.log)

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as text:
            return text.read()


class Redis:
    """A private redis-server on a Unix socket. `fsync` as in appendfsync."""

    def __init__(self, folder, fsync="always", extra=()):
        self.folder = os.path.join(folder, "redis")
        os.makedirs(self.folder, exist_ok=True)
        self.socket = os.path.join(self.folder, "r.sock")
        self.fsync = fsync
        self.extra = list(extra)
        self.process = None

    def start(self):
        self.process = Process(
            ["redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", self.folder, "--save", "",
             "--appendonly", "yes", "--appendfsync", self.fsync, "--loglevel", "warning", *self.extra],
            os.path.join(self.folder, "redis.log"))
        wait_for("Redis", self.answers)
        return self

    def answers(self):
        try:
            return self.client().ping()
        except Exception:
            return False

    def client(self):
        import redis  # python3-redis

        class Connection(redis.UnixDomainSocketConnection):
            host, port = "unix", 0  # 4.3 wants to name them when a connection breaks, and would stumble over that
        return redis.Redis(connection_pool=redis.ConnectionPool(connection_class=Connection, path=self.socket))

    def kill(self):
        self.process.kill()

    def stop(self):
        if self.process and self.process.running():
            self.process.kill()

    @property
    def address(self):
        return "unix:" + self.socket


class Gateway:
    """Checks one secret on one engine without pause and keeps what it heard."""

    def __init__(self, engine, client_id, secret):
        self.engine, self.client_id, self.secret = engine, client_id, secret
        self.verdicts = collections.Counter()
        self.longest_silence = 0.0
        self.longest_silence_max = 5.0
        self.lost = None  # why it was cut off, if it was
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        heard = time.monotonic()
        connection = self.engine.connect(timeout=30)
        while not self.stopping.wait(0.002):
            try:
                self.verdicts[connection.call("VERIFY", self.client_id, self.secret)] += 1
            except (OSError, EOFError) as error:
                self.lost = error
                return
            self.longest_silence = max(self.longest_silence, time.monotonic() - heard)
            heard = time.monotonic()
        connection.close()

    def stop(self):
        self.stopping.set()
        self.thread.join()

    def check_served(self, test, *verdicts):
        """Ends it: it must have been served all the while, until now, and have heard some of these and nothing else."""
        heard = sum(self.verdicts.values())
        wait_for("the gateway's next verdict", lambda: sum(self.verdicts.values()) > heard or self.lost)
        self.stop()
        test.assertIsNone(self.lost, "the well-behaved gateway was cut off")
        test.assertLessEqual(set(self.verdicts), set(verdicts))
        test.assertLess(self.longest_silence, self.longest_silence_max, "the well-behaved gateway had to wait")


class Engine(Process):
    """A running `shearline server`; one folder each for data and log. `login`: AUTH's arguments, where gateways must log in."""

    def __init__(self, deployment, name, redis_address, extra=(), before=None, login=()):
        self.name = name
        self.login = login
        self.folder = os.path.join(deployment.folder, name)
        os.makedirs(self.folder, exist_ok=True)
        self.socket = os.path.join(self.folder, "s.sock")
        self.address = "unix:" + self.socket
        self.data = os.path.join(self.folder, "data")
        super().__init__(
            [os.path.join(BIN, "shearline"), "server", "--config", deployment.config, "--node", name, "--data", self.data,
             "--listen.resp", self.address, "--store.redis", redis_address, "--workers", "1", *extra],
            os.path.join(self.folder, "engine.log"), deployment.environment(), before)

    def connect(self, timeout=10):
        connection = Resp(self.address, timeout)
        if self.login and connection.call("AUTH", *self.login) != "OK":
            raise AssertionError(self.name + " refused the login of the test")
        return connection

    def info(self):
        connection = self.connect()
        try:
            return self.info_of(connection)
        finally:
            connection.close()

    @staticmethod
    def info_of(connection):
        text = connection.call("INFO").decode()
        return dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line)

    def ready(self):
        try:
            return self.info()["shearline_ready"] == "1"
        except (OSError, EOFError):
            return False

    def wait_ready(self):
        wait_for(self.name + " to be ready", lambda: self.ready() or not self.running())
        if not self.running():
            raise AssertionError(self.name + " ended:\n" + self.said())
        return self

    def verify(self, client_id, secret):
        connection = self.connect()
        try:
            return connection.call("VERIFY", client_id, secret)
        finally:
            connection.close()

    def audit(self):
        """The events of the trail, oldest first."""
        path = os.path.join(self.data, "audit.jsonl")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines if line.endswith("\n")]


class Refused(AssertionError):
    def __init__(self, command, status, out, err):
        super().__init__("%s: status %d\n%s\n%s" % (" ".join(command), status, out, err))
        self.status = status
        self.out = out
        self.err = err


class Admin:
    """An admin at their own machine: keys under a passphrase, and the command line."""

    def __init__(self, deployment, name):
        self.deployment = deployment
        self.name = name
        self.folder = os.path.join(deployment.folder, name)
        os.makedirs(self.folder, exist_ok=True)
        self.keys = os.path.join(self.folder, "admin.json")
        self.secrets = os.path.join(self.folder, "secrets")
        self.redis = None  # another way to Redis than straight to it

    def environment(self, redis_address):
        return {**os.environ, "SHEARLINE_KEYS": self.keys, "SHEARLINE_PASSPHRASE": self.name + "-passphrase",
                "SHEARLINE_REDIS": redis_address}

    def command(self, *arguments, redis=None):
        return [os.path.join(BIN, "shearline"), "--json", *arguments], self.environment(redis or self.redis or self.deployment.redis.address)

    def hear(self, *arguments, stdin=None, timeout=None, redis=None):
        """However it ends: its status, the JSON lines it printed, and what it said beside them."""
        command, environment = self.command(*arguments, redis=redis)
        done = subprocess.run(command, env=environment, input=stdin, capture_output=True, timeout=timeout or 2 * PATIENCE)
        lines = [json.loads(line) for line in done.stdout.decode().splitlines() if line.startswith("{")]
        return done.returncode, lines, done.stderr.decode()

    def run(self, *arguments, **how):
        """The JSON lines it printed; raises Refused for any status but 0."""
        status, lines, said = self.hear(*arguments, **how)
        if status != 0:
            raise Refused(arguments, status, "\n".join(json.dumps(line) for line in lines), said)
        return lines

    def start(self, *arguments):
        """A command that goes on while the test does something else."""
        command, environment = self.command(*arguments)
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)

    def create(self, client_id, group="integrators", *extra):
        return self.run("credential", "create", client_id, "--group", group, "--owner", "acme", "--service", "billing",
                        "--environment", "staging", "--tenant", "acme", "--classification", "internal", *extra)

    def receive(self, *extra, patience=None):
        """The next secret from the inbox, acknowledged: (file, secret). A key form of it stands in a file beside."""
        before = set(self.received())
        self.run("inbox", "--once", "--out", self.secrets, "--timeout", "%ds" % (patience or PATIENCE), *extra)
        new = [path for path in self.received() if path not in before and path.endswith(".secret")]
        if len(new) != 1:
            raise AssertionError("the inbox wrote %d files" % len(new))
        with open(new[0], "rb") as text:
            return new[0], text.read().strip()

    def received(self):
        if not os.path.isdir(self.secrets):
            return []
        return sorted(os.path.join(self.secrets, name) for name in os.listdir(self.secrets))

    def status(self, client_id):
        """The credential as the engine knows it."""
        return self.run("status", client_id)[-1]


class Deployment:
    """Keyring, configuration, Redis and the first admin; engines and more admins are added by the test."""

    def __init__(self, fsync="always", rules="bootstrap = true\n", lease="1s", redis_extra=()):
        self.folder = tempfile.mkdtemp(prefix="shearline-journey-")
        self.engines = []
        self.admins = []
        self.secret_files = set()  # where secrets stand because somebody put them there
        self.redis = Redis(self.folder, fsync, redis_extra).start()
        self.config = os.path.join(self.folder, "shearline.toml")
        self.kek = self.write("kek", KEYRING_PASSPHRASE + "\n")
        self.secret_files.add(self.kek)
        self.keyring = os.path.join(self.folder, "keyring.json")
        self.public = os.path.join(self.folder, "keyring.public")
        self.shearline("pepper", "init", self.keyring, "--deployment", "journey", "--kek", "passphrase-file:" + self.kek)
        self.alice = self.admin("alice")
        block = self.init_admin(self.alice)
        self.write("rules.toml", rules)
        self.write("shearline.toml",
                   'deployment = "journey"\nrules = "%s/rules.toml"\n[store]\nlease = "%s"\n[keyring]\nfile = "%s"\n'
                   'kek = "passphrase-file:%s"\n%s' % (self.folder, lease, self.keyring, self.kek, block))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def environment(self):
        return {name: value for name, value in os.environ.items() if not name.startswith("SHEARLINE_")}

    def shearline(self, *arguments, env=None):
        done = subprocess.run([os.path.join(BIN, "shearline"), *arguments], env=env or self.environment(),
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)
        if done.returncode != 0:
            raise Refused(arguments, done.returncode, done.stdout.decode(), done.stderr.decode())
        return done.stdout.decode()

    def admin(self, name):
        self.admins.append(Admin(self, name))
        return self.admins[-1]

    def init_admin(self, admin):
        """Makes the admin's keys; the lines for the configuration."""
        return self.shearline("admin", "init", admin.name, "--person", admin.name + "@example.test", "--engine", self.public,
                              env=admin.environment(self.redis.address))

    def engine(self, name="engine-1", redis_address=None, extra=(), before=None, login=()):
        engine = Engine(self, name, redis_address or self.redis.address, extra, before, login)
        self.engines.append(engine)
        return engine

    def close(self):
        for engine in self.engines:
            if engine.running():
                engine.signal(signal.SIGCONT)
                engine.kill()
        self.redis.stop()
        if os.environ.get("SHEARLINE_KEEP"):
            print("kept:", self.folder)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        if failure[0]:
            for engine in self.engines:
                print("--- log of", engine.name, file=sys.stderr)
                print(engine.said()[-8000:], file=sys.stderr)
        self.close()
