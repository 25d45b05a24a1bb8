#!/usr/bin/env python3
"""The rules a machine can check: sizes of files, functions and lines, head comments, no leftovers."""
import pathlib
import re
import subprocess
import sys

FILE_LINES, FUNCTION_LINES, LINE_COLUMNS = 800, 70, 120
root = pathlib.Path(__file__).resolve().parent.parent
files = subprocess.run(["git", "ls-files", "*.c", "*.h", "*.def"], cwd=root, check=True, capture_output=True, text=True)
faults = []


def functions(lines):
    """(first line, length, text) of each function body: a line '{' closes what '}' in column 0 ends."""
    start = None
    for number, line in enumerate(lines, 1):
        if re.match(r"[a-zA-Z_].*\)\s*{$", line) or (line == "{" and start is None):
            start = number
        elif line == "}" and start is not None:
            yield start, number - start + 1, lines[start - 1]
            start = None


for name in files.stdout.split():
    path = root / name
    if not path.exists():
        continue
    lines = path.read_text().splitlines()
    if len(lines) > FILE_LINES and not name.endswith("_cases.def"):  # recorded answers: data, not code
        faults.append(f"{name}: {len(lines)} lines, at most {FILE_LINES}: cut it by concept")
    if not lines or not lines[0].startswith("/*"):
        faults.append(f"{name}:1: starts without saying what it is")
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_COLUMNS and not name.endswith(".def"):
            faults.append(f"{name}:{number}: {len(line)} columns, at most {LINE_COLUMNS}")
        if re.search(r"\b(TODO|FIXME|XXX)\b(?!XX)", line) and "SCHEDULE_TOPIC_XXXX" not in line:
            faults.append(f"{name}:{number}: unfinished: {line.strip()}")
    if name.endswith(".c"):
        for number, length, text in functions(lines):
            if length > FUNCTION_LINES and not name.endswith("_test.c"):
                faults.append(f"{name}:{number}: {length} lines, at most {FUNCTION_LINES}: {text[:60]}")

print("\n".join(faults) if faults else f"style: {len(files.stdout.split())} files")
sys.exit(1 if faults else 0)
