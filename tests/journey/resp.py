"""RESP as a gateway without a library speaks it. Used by the deployment's engines and by tests that want to see every byte."""

import socket


class Resp:
    """A gateway's connection, bare: sends commands as arrays, reads one reply at a time."""

    def __init__(self, address, timeout=10):
        if address.startswith("unix:"):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            try:
                self.socket.connect(address[5:])
            except OSError:
                self.socket.close()
                raise
        else:
            host, port = address.rsplit(":", 1)
            self.socket = socket.create_connection((host, int(port)), timeout)
        self.file = self.socket.makefile("rb")

    @staticmethod
    def frame(*arguments):
        parts = [b"*%d\r\n" % len(arguments)]
        for argument in arguments:
            data = argument if isinstance(argument, bytes) else argument.encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
        return b"".join(parts)

    def send(self, raw):
        self.socket.sendall(raw)

    def reply(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError("the connection ended")
        kind, rest = line[:1], line[1:-2]
        if kind in b"+-":
            return (kind + rest).decode() if kind == b"-" else rest.decode()
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if rest == b"-1":
                return None
            return self.file.read(int(rest) + 2)[:-2]
        if kind in b"*%":
            return [self.reply() for _ in range(int(rest) * (2 if kind == b"%" else 1))]
        raise ValueError("not a reply: %r" % line)

    def call(self, *arguments):
        self.send(self.frame(*arguments))
        return self.reply()

    def close(self):
        self.file.close()
        self.socket.close()
