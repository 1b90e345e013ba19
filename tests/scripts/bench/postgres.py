"""A PostgreSQL client of a page: statements, and COPY of a file in pieces of 256 KiB.

It speaks protocol 3.0 with SCRAM-SHA-256 (RFC 5802, 7677) or no password, on TCP without TLS.
"""

import base64
import hashlib
import hmac
import os
import socket
import struct

# The piece of COPY data at which the cost per byte is lowest on both sides.
PIECE = 256 * 1024


class Refused(Exception):
    """What the server answered."""


class Connection:
    def __init__(self, host, port, user, password, database):
        self.socket = socket.create_connection((host, port))
        self.stream = self.socket.makefile("rb")
        self.password = password
        words = {"user": user, "database": database, "application_name": "bench"}
        body = b"".join(f"{key}\0{value}\0".encode() for key, value in words.items()) + b"\0"
        self.socket.sendall(struct.pack(">II", len(body) + 8, 196608) + body)
        self._log_in()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._send(b"X", b"")
        self.socket.close()

    def query(self, sql):
        """All rows of the last result, values as text."""
        self._send(b"Q", sql.encode() + b"\0")
        return self._answer()

    def value(self, sql):
        return self.query(sql)[0][0]

    def copy_in(self, sql, path):
        """Runs a `COPY ... FROM STDIN` with the bytes of a file."""
        self._send(b"Q", sql.encode() + b"\0")
        kind, body = self._receive()
        if kind != b"G":
            raise Refused(_message(body))
        with open(path, "rb") as file:
            while piece := file.read(PIECE):
                self.socket.sendall(struct.pack(">cI", b"d", len(piece) + 4) + piece)
        self._send(b"c", b"")
        self._answer()

    def _send(self, kind, body):
        self.socket.sendall(kind + struct.pack(">I", len(body) + 4) + body)

    def _receive(self):
        head = self.stream.read(5)
        if len(head) < 5:
            raise Refused("the server closed the connection")
        return head[:1], self.stream.read(struct.unpack(">I", head[1:])[0] - 4)

    def _answer(self):
        rows, error = [], None
        while True:
            kind, body = self._receive()
            if kind == b"Z":
                break
            if kind == b"E":
                error = _message(body)
            elif kind == b"T":
                rows = []
            elif kind == b"D":
                rows.append(_values(body))
        if error:
            raise Refused(error)
        return rows

    def _log_in(self):
        scram = None
        while True:
            kind, body = self._receive()
            if kind == b"E":
                raise Refused(_message(body))
            if kind == b"Z":
                return
            if kind != b"R":
                continue
            code, rest = struct.unpack(">I", body[:4])[0], body[4:]
            if code == 10:
                scram = _Scram(self.password)
                first = scram.first()
                self._send(b"p", b"SCRAM-SHA-256\0" + struct.pack(">I", len(first)) + first)
            elif code == 11:
                self._send(b"p", scram.proof(rest))
            elif code not in (0, 12):
                raise Refused(f"the server asks for authentication {code}")


class _Scram:
    def __init__(self, password):
        self.password = password.encode()
        self.bare = b"n=,r=" + base64.b64encode(os.urandom(18))

    def first(self):
        return b"n,," + self.bare

    def proof(self, challenge):
        parts = dict(part.split(b"=", 1) for part in challenge.split(b","))
        salt, rounds = base64.b64decode(parts[b"s"]), int(parts[b"i"])
        salted = hashlib.pbkdf2_hmac("sha256", self.password, salt, rounds)
        key = hmac.digest(salted, b"Client Key", "sha256")
        bare = b"c=biws,r=" + parts[b"r"]
        signed = b",".join((self.bare, challenge, bare))
        signature = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
        proof = bytes(left ^ right for left, right in zip(key, signature))
        return bare + b",p=" + base64.b64encode(proof)


def _values(body):
    count, at, values = struct.unpack(">H", body[:2])[0], 2, []
    for _ in range(count):
        length = struct.unpack(">i", body[at : at + 4])[0]
        at += 4
        values.append(None if length < 0 else body[at : at + length].decode())
        at += max(length, 0)
    return values


def _message(body):
    fields = {part[:1]: part[1:].decode() for part in body.split(b"\0") if part}
    return f"{fields.get(b'M')} ({fields.get(b'C')})"
