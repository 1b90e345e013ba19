"""How fast a server gives its rows away: runs one batch and reads the answer without looking at it.

Usage: drain.py HOST PORT USER DATABASE BATCH [PACKET_SIZE]; the password is in STANDIN_PASSWORD.
Needs a server that does without TLS. Prints bytes, seconds and, when the stand-in runs here and
STANDIN_PID says which process it is, the CPU seconds that it took.
"""

import os
import socket
import struct
import sys
import time

HEADER = 8
PRELOGIN, LOGIN7, BATCH = 0x12, 0x10, 0x01


def message(kind, body, size=4096):
    """A message as packets (MS-TDS 2.2.3)."""
    room = size - HEADER
    chunks = [body[i : i + room] for i in range(0, len(body), room)] or [b""]
    out = b""
    for number, chunk in enumerate(chunks, 1):
        last = number == len(chunks)
        head = struct.pack(">BBHHBB", kind, last, len(chunk) + HEADER, 0, number & 255, 0)
        out += head + chunk
    return out


def prelogin():
    """VERSION and ENCRYPT_NOT_SUP (MS-TDS 2.2.6.5)."""
    table = struct.pack(">BHHBHHB", 0, 11, 6, 1, 17, 1, 0xFF)
    return table + b"\x11\0\0\0\0\0" + b"\x02"


def login7(user, password, database, packet_size):
    """LOGIN7 of TDS 7.4 (MS-TDS 2.2.6.4)."""
    scrambled = bytes(((b << 4 | b >> 4) & 255) ^ 0xA5 for b in password.encode("utf-16-le"))
    fields = ["drain", user, None, "drain", "", "", "", "", database]
    offset, table, data = 36 + 58, b"", b""
    for field in fields:
        raw = scrambled if field is None else field.encode("utf-16-le")
        table += struct.pack("<HH", offset + len(data), len(raw) // 2)
        data += raw
    end = offset + len(data)
    table += b"\0" * 6 + struct.pack("<HHHHHHI", end, 0, end, 0, end, 0, 0)
    fixed = struct.pack("<IIIIII", 0x74000004, packet_size, 0, os.getpid(), 0, 0xE0)
    fixed += b"\0" * 8
    body = fixed + table + data
    return struct.pack("<I", len(body) + 4) + body


class Reader:
    """Reads whole messages; keeps the last bytes of the last packet, where the DONE is."""

    def __init__(self, connection):
        self.connection = connection
        self.buffer = bytearray(4 << 20)
        self.view = memoryview(self.buffer)
        self.have = 0

    def drain(self):
        """Bytes of one message on the wire, and the end of its last packet."""
        total = 0
        while True:
            at = 0
            while self.have - at >= HEADER:
                length = self.buffer[at + 2] << 8 | self.buffer[at + 3]
                if self.have - at < length:
                    break
                total += length
                last = self.buffer[at + 1] & 1
                at += length
                if last:
                    tail = bytes(self.view[max(at - length + HEADER, at - 13) : at])
                    self.keep(at)
                    return total, tail
            self.keep(at)
            count = self.connection.recv_into(self.view[self.have :])
            if count == 0:
                raise SystemExit("the server closed the connection")
            self.have += count

    def keep(self, at):
        self.view[: self.have - at] = bytes(self.view[at : self.have])
        self.have -= at


def cpu_seconds(pid):
    """User and system time of a process (proc(5), fields 14 and 15 of stat)."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(connection, reader, batch):
    """Rows of a batch's last result, and bytes of the whole answer."""
    # ALL_HEADERS with the transaction descriptor alone (MS-TDS 2.2.5.3).
    headers = struct.pack("<IIHQI", 22, 18, 2, 0, 1)
    connection.sendall(message(BATCH, headers + batch.encode("utf-16-le")))
    total, tail = reader.drain()
    token, status, _, rows = struct.unpack("<BHHQ", tail[-13:])
    if token != 0xFD or status & 2:
        raise SystemExit(f"the batch failed: {tail!r}")
    return rows, total


def main():
    host, port, user, database, batch = sys.argv[1:6]
    packet_size = int(sys.argv[6]) if len(sys.argv) > 6 else 16384
    pid = os.environ.get("STANDIN_PID")
    connection = socket.create_connection((host, int(port)))
    reader = Reader(connection)
    connection.sendall(message(PRELOGIN, prelogin()))
    reader.drain()
    password = os.environ["STANDIN_PASSWORD"]
    connection.sendall(message(LOGIN7, login7(user, password, database, packet_size)))
    reader.drain()
    # As the tool's sessions do: the stand-in forbids expensive statements to others (8649).
    run(connection, reader, "SET QUERY_GOVERNOR_COST_LIMIT 0")
    before, start = cpu_seconds(pid) if pid else 0.0, time.monotonic()
    rows, total = run(connection, reader, batch)
    elapsed = time.monotonic() - start
    report = f"{rows} rows, {total} bytes, {elapsed:.3f} s: {rows / elapsed:,.0f} rows/s"
    if pid:
        cpu = cpu_seconds(pid) - before
        report += f", {cpu:.2f} s CPU of the server, {cpu * 1e6 / max(rows, 1):.2f} per million rows"
    print(report)


if __name__ == "__main__":
    main()
