#!/usr/bin/env python3
"""make_seeds.py GOLDEN CORPORA OUT - seeds for the fuzz targets, one folder OUT/NAME a target.

Those of CORPORA are copied; recorded frames of GOLDEN/wire are cut into headers, records, property texts, batches and
compressed bodies. Without recorded frames the copies are all there is."""
import pathlib
import shutil
import struct
import sys
import zlib

golden, corpora, out = (pathlib.Path(path) for path in sys.argv[1:4])
RECORD_MAGICS = (0xDAA320A7, 0xDAA320AB)


def seed(target, name, data):
    folder = out / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def records(body):
    """The records a body starts with: (whole, sysFlag, stored body, properties)."""
    while len(body) > 88:
        size, magic = struct.unpack_from(">II", body)
        if magic not in RECORD_MAGICS or size > len(body):
            return
        sys_flag = struct.unpack_from(">I", body, 36)[0]
        at = 48 + (20 if sys_flag & 0x10 else 8) + 8 + (20 if sys_flag & 0x20 else 8) + 12
        body_len = struct.unpack_from(">I", body, at)[0]
        stored = body[at + 4:at + 4 + body_len]
        at += 4 + body_len
        at += 1 + body[at] if magic == RECORD_MAGICS[0] else 2 + struct.unpack_from(">H", body, at)[0]
        yield body[:size], sys_flag, stored, body[at + 2:size]
        body = body[size:]


for folder in corpora.iterdir() if corpora.is_dir() else ():
    for path in folder.iterdir():
        seed(folder.name, path.name, path.read_bytes())

for path in sorted((golden / "wire").glob("*.bin")):
    frame = path.read_bytes()
    header_len = struct.unpack_from(">I", frame, 4)[0] & 0xFFFFFF
    header, body = frame[8:8 + header_len], frame[8 + header_len:]
    seed("frame", path.stem, frame)
    seed("remoting", path.stem, b"\x40" + frame + frame)
    seed("header_binary" if frame[4] else "header_json", path.stem, header)
    if "-req-" in path.name and path.name.startswith("320-"):
        seed("batch", path.stem, body)
    if "-req-" in path.name and path.name.startswith("103-"):
        seed("register", path.stem, body)
    if body[:1] == b"{":
        seed("json", path.stem, body)
        seed("body", path.stem, body)
    for number, (record, sys_flag, stored, properties) in enumerate(records(body)):
        seed("record", f"{path.stem}-{number}", record)
        seed("client_messages", path.stem, body)
        seed("properties", f"{path.stem}-{number}", properties)

# register: the packed form, inflated
parts = [b'{"counter":3,"timestamp":1795478175658}', 2, b"TBW102 8 8 7 SINGLE_TAG", b'T 4 4 6 MULTI_TAG {"a":"b"}',
         b'["127.0.0.1:1"]', 1, b'{"topic":"T","scope":"g"}']
seed("register", "packed", b"".join(
    struct.pack(">I", part) if isinstance(part, int) else struct.pack(">I", len(part)) + part for part in parts))

# compress: the first byte says which kind, as bits 8 to 10 of sysFlag
for kind in (0, 3):
    seed("compress", f"zlib-{kind}", bytes([kind]) + zlib.compress(b"a body " * 1000, 5))
seed("compress", "lz4", bytes([1]) + bytes.fromhex("04224d18604082110000007f6120626f6479200700035020626f647900000000"))
seed("compress", "zstd", bytes([2]) + bytes.fromhex("28b52ffd20226d0000386120626f64792001000a8b11"))

# remoting: the first byte says in what pieces the rest arrives
request = b'{"code":1,"flag":0,"language":"JAVA","opaque":1,"version":401}'
request = struct.pack(">II", 4 + len(request), len(request)) + request
v2 = b"\r\n\r\n\0\r\nQUIT\n!\x11\0\x0c" + bytes(12)
seed("remoting", "proxy-1", b"\xff" + b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + request)
seed("remoting", "proxy-2", b"\x05" + v2 + request + request.replace(b'"opaque":1', b'"opaque":2'))
seed("remoting", "tls", b"\x05" + b"\x16\x03\x01\x02\0")

# trace: what the Java client writes for a send and for a call of a listener
seed("trace", "pub", b"Pub\x011700000000001\x01R\x01P\x01T\x017F01\x01null\x01k1 k2\x01127.0.0.1:1\x0112\x013\x010\x017F02\x01true\x02")
seed("trace", "sub", b"SubBefore\x011700000000002\x01R\x01C\x01r1\x017F01\x010\x01k\x02"
     b"SubAfter\x01r1\x017F01\x015\x01true\x01k\x010\x011700000000007\x01C\x02")
