#!/usr/bin/env python3
"""Makes the manual pages of the library from its headers, whose comments are the manual, and that of mqadmin from the
rows of its commands: generate.py [--check]
With --check it writes nothing and fails when a page is not what its source says."""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
HEADERS = HERE.parent.parent / "include" / "rocketmq"
PAGES = ["client", "consumer", "error", "message", "producer"]
COMMANDS = HERE.parent.parent / "src" / "admin" / "commands.def"


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in ".'" else line for line in text.split("\n"))


def comment_text(lines):
    text = [re.sub(r"^\s*(/\*|\*/|\*)?\s?", "", line) for line in lines]
    return re.sub(r"\s*\*/\s*$", "", "\n".join(text)).strip()


def items(source):
    """Yields ("head"|"section"|"comment"|"code", text) for each block of a header."""
    lines = source.split("\n")
    i = 0
    first = True
    while i < len(lines):
        line = lines[i]
        if line.startswith("/*"):
            start = i
            while "*/" not in lines[i]:
                i += 1
            text = comment_text(lines[start:i + 1])
            if re.match(r"-{4}", text):
                yield "section", text.strip("- ")
            else:
                yield ("head" if first else "comment"), text
            first = False
        elif re.match(r"(typedef|RMQ_API)", line):
            start, depth = i, 0
            while True:
                depth += lines[i].count("{") - lines[i].count("}")
                if depth == 0 and re.search(r";\s*(/\*.*\*/)?$", lines[i]):
                    break
                i += 1
            yield "code", "\n".join(lines[start:i + 1])
        elif line == "":
            yield "gap", ""
        i += 1


def function_name(code):
    found = re.search(r"\b(rmq_\w+)\(", code) if code.startswith("RMQ_API") else None
    return found and found.group(1)


def page(name):
    source = (HEADERS / f"{name}.h").read_text()
    blocks = list(items(source))
    head = next(text for kind, text in blocks if kind == "head")
    summary, _, description = head.partition("\n")
    summary = summary.partition(" - ")[2].rstrip(".")
    functions = [function_name(text) for kind, text in blocks if kind == "code" and function_name(text)]
    prototypes = [re.sub(r"\s*/\*.*?\*/", "", text.replace("RMQ_API ", "").replace("\n        ", "\n")) for kind, text in blocks
                  if kind == "code" and function_name(text)]
    out = [f'.\\" Made from include/rocketmq/{name}.h by docs/man/generate.py',
           f'.TH RMQ_{name.upper()} 3 "" rocketmq-c "RocketMQ client library"', ".SH NAME",
           roff(", ".join([f"rmq_{name}"] + functions)) + " \\- " + roff(summary), ".SH SYNOPSIS", ".nf",
           roff(f"#include <rocketmq/{name}.h>"), "", roff("\n".join(prototypes)), ".fi", ".SH DESCRIPTION",
           roff(summary[:1].upper() + summary[1:] + ".")]
    if description:
        out += [".PP", roff(description)]
    comment = ""
    for kind, text in blocks:
        if kind == "section":
            out += [f'.SH "{roff(text).upper()}"']
        elif kind == "gap":
            comment = ""
        elif kind == "comment":
            comment = text
        elif kind == "code" and function_name(text):
            inline = re.search(r";\s*/\*\s*(.*?)\s*\*/$", text, re.S)
            out += [".TP", f".BR {function_name(text)} ()", roff(inline.group(1) if inline else comment) or "As above."]
        elif kind == "code":
            if comment:
                out += [".PP", roff(comment)]
            out += [".PP", ".EX", roff(text), ".EE"]
    others = sorted([f"rmq_{other}" for other in PAGES if other != name] + ["rocketmq"])
    out += [".SH SEE ALSO", "\n".join(f".BR {other} (3){'' if other == others[-1] else ','}" for other in others)]
    return "\n".join(out) + "\n"


ADMIN_HEAD = r""".\" Made from src/admin/commands.def by docs/man/generate.py
.TH MQADMIN 1 "" rocketmq-c "RocketMQ programs"
.SH NAME
mqadmin \- look at and change RocketMQ clusters
.SH SYNOPSIS
.B mqadmin
.I COMMAND
.RI [ OPTIONS ]
.br
.B mqadmin help
.RI [ COMMAND ]
.SH DESCRIPTION
Asks and tells name servers and brokers, those of the Java distribution too. Commands, options and what is printed are
those of Apache's mqadmin; where that prints in no order, this sorts. Options may be given as \-t X, \-tX, \-\-topic X
or \-\-topic=X; names of commands in any case.
.PP
Every command takes
.TP
.BI "\-n, \-\-namesrvAddr" " ADDRESSES"
The name servers: host:port;host:port.
.TP
.B \-h, \-\-help
Shows the options of the command.
.SH COMMANDS
"""
ADMIN_TAIL = r""".SH "EXIT STATUS"
0 when all was done. 1 when the command line is wrong, when the command failed, or when a part of it did (some broker
could not be asked): standard error says what, and an answer of a server with its number, as CODE: 17 DESC: text. (The
Java tool ends with 0 then.)
.SH ENVIRONMENT
.TP
.B NAMESRV_ADDR
The name servers, when \-n is not given.
.SH FILES
.TP
.I /tmp/rocketmq/msgbodys/ID
Bodies of messages shown by the queryMsg commands.
.SH SEE ALSO
.BR mqbroker (1),
.BR mqnamesrv (1),
.BR mqstore (1)
"""


def c_texts(row):
    """The string literals of a row, unescaped."""
    return [re.sub(r"\\(.)", r"\1", text) for text in re.findall(r'"((?:[^"\\]|\\.)*)"', row)]


def option_entry(kind, row, group):
    brief, name, about = c_texts(row)
    names = ", ".join(([f"-{brief}"] if brief else []) + ([f"--{name}"] if name else []))
    value = "" if kind == "FLAG" else ' " VALUE"'
    need = " Must be given." if ", NEEDED," in row else ""
    if ", ONE_OF," in row:
        need = f" One of {' and '.join(group)} must be given."
    return [".TP", f'.BI "{roff(names)}"{value}', roff(about[:1].upper() + about[1:] + "." + need)]


def admin_page():
    out = []
    for block in re.findall(r"^COMMAND_BEGIN.*?^COMMAND_END", COMMANDS.read_text(), re.M | re.S):
        rows = block.split("\n")
        group = [f"-{c_texts(row)[0]}" for row in rows if ", ONE_OF," in row]
        name, about = c_texts(rows[0])
        out += [f".SS {roff(name)}", roff(about)]
        for row in rows[1:-1]:
            out += option_entry(row.partition("(")[0], row, group)
    return ADMIN_HEAD + "\n".join(out) + "\n" + ADMIN_TAIL


def main():
    stale = []
    pages = {f"rmq_{name}.3": page(name) for name in PAGES}
    pages["mqadmin.1"] = admin_page()
    for name, text in pages.items():
        path = HERE / name
        if "--check" not in sys.argv:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            stale.append(path.name)
    if stale:
        sys.exit(f"not what the sources say, run docs/man/generate.py: {' '.join(stale)}")


main()
