#!/usr/bin/env python3
"""Makes docs/config.md from the config.def tables: gen_docs.py [--check]
With --check it writes nothing and fails when the page is not what the tables say."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "config.md"
SECTIONS = [("mqnamesrv", "src/namesrv/config.def"), ("mqbroker: broker and network", "src/broker/config.def"),
            ("mqbroker: store", "src/store/config.def")]
HEAD = """# Settings

Made from the tables `src/*/config.def` by `tools/gen_docs.py`; do not edit. A server reads Java properties files as they
are: `mqbroker -c FILE`, `mqnamesrv -c FILE`. *while running*: may be changed by `mqadmin updateBrokerConfig` or
`updateNamesrvConfig` without a restart. Unknown keys give one warning line with the nearest known name.
"""


def rows(text):
    """Yields (macro, [arguments]) of each row, arguments split at the top level."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    text = "\n".join(line for line in text.split("\n") if not line.startswith("#"))
    for found in re.finditer(r"^(KEY|IGNORED|ALIAS)\(", text, re.M):
        at, depth, quoted, argument, out = found.end(), 1, False, "", []
        while depth:
            c = text[at]
            if c == '"' and text[at - 1] != "\\":
                quoted = not quoted
            elif not quoted and c in "()":
                depth += 1 if c == "(" else -1
            if not quoted and ((c == "," and depth == 1) or depth == 0):
                out.append(" ".join(argument.split()))
                argument = ""
            else:
                argument += c
            at += 1
        yield found.group(1), out


def text_of(literal):
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literal)) if literal.startswith('"') else literal


def key_line(arguments):
    kind, _, name, default, low, high, unit, flags, about = arguments
    default = "" if default == "NULL" else text_of(default)
    limits = f"{low} .. {high}" if kind in ("i32", "i64") else {"boolean": "true, false", "real": "number", "text": "text"}[kind]
    running = "yes" if "CONFIG_DYNAMIC" in flags else ""
    unit = text_of(unit)
    return f"| `{text_of(name)}` | {default} | {limits}{' ' + unit if unit else ''} | {running} | {text_of(about)} |"


def page():
    out = [HEAD]
    for title, path in SECTIONS:
        keys, ignored, older = [], [], []
        for macro, arguments in rows((ROOT / path).read_text()):
            if macro == "KEY":
                keys.append(key_line(arguments))
            elif macro == "IGNORED":
                ignored.append(f"| `{text_of(arguments[0])}` | {text_of(arguments[1])} |")
            else:
                older.append(f"`{text_of(arguments[2])}` is `{text_of(arguments[6])}`")
        out += [f"## {title}\n", "| key | default | values | while running | what it is |", "|---|---|---|---|---|", *keys, ""]
        if older:
            out += [f"Older spellings: {'; '.join(older)}.", ""]
        if ignored:
            out += ["Accepted without effect:\n", "| key | why |", "|---|---|", *ignored, ""]
    return "\n".join(out).replace("INT32_MAX", "2147483647").replace("INT64_MAX", "9223372036854775807")


def main():
    text = page()
    if "--check" not in sys.argv:
        PAGE.write_text(text)
    elif not PAGE.exists() or PAGE.read_text() != text:
        sys.exit("docs/config.md is not what the tables say: run tools/gen_docs.py")
    else:
        print("docs: what the tables say")


main()
