#!/usr/bin/env python3
"""Folders are layers: fails when a source includes a header of a folder its own may not use.

The allowed edges are those of the build: `rmq_module(NAME DEPENDS ...)` in CMakeLists.txt. Also checked: a `.c` file
includes its own header first, and `*_internal.h` stays in its folder."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent
allowed = {}
for name, rest in re.findall(r"rmq_(?:module|program)\((\w+)([^)]*)\)", (root / "CMakeLists.txt").read_text()):
    found = re.search(r"DEPENDS([a-z_ ]*)", rest)
    allowed[name] = set(found.group(1).split()) if found else set()

faults = []
for path in sorted((root / "src").rglob("*.[ch]")):
    room = path.relative_to(root / "src").parts[0]
    if room not in allowed:
        continue
    own_first = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = re.match(r'\s*#\s*include "([^"]+)"', line)
        if not found:
            continue
        target = found.group(1)
        where = f"{path.relative_to(root)}:{number}"
        if "/" not in target:
            faults.append(f'{where}: include "{target}" without its folder')
            continue
        other = target.split("/")[0]
        if other not in (room, "rocketmq") and other not in allowed[room]:
            faults.append(f"{where}: {room} may not use {other} (CMakeLists.txt says: {' '.join(sorted(allowed[room])) or 'nothing'})")
        if other != room and target.endswith("_internal.h"):
            faults.append(f"{where}: {target} belongs to {other} alone")
        own_first = own_first or target
    own = str((path.parent / f"{path.stem}.h").relative_to(root / "src"))
    if path.suffix == ".c" and (root / "src" / own).exists() and own_first != own:
        faults.append(f"{path.relative_to(root)}: includes {own_first} before its own header {own}")

print("\n".join(faults) if faults else f"layers: {len(allowed)} modules, all includes go down")
sys.exit(1 if faults else 0)
