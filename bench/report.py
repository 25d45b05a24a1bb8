#!/usr/bin/env python3
"""report.py: makes bench/results.md, the pictures bench/curves/*.svg and the table of the README of what lies in bench/raw.
bench.py runs it."""
import math, pathlib, re

HERE = pathlib.Path(__file__).resolve().parent
RAW, PICTURES, README = HERE / "raw", HERE / "curves", HERE.parent / "README.md"

# rows of the README: scenario of compare.txt, what it is called there
README_ROWS = {
    "boot: name server + broker": "boot of both servers",
    "idle broker: anonymous memory": "idle broker, anonymous memory",
    "broker after the load: anonymous memory": "broker after the load, anonymous memory",
    "send 128 B, 8 conns x 32 in flight: rate": "send 128 B, 8 x 32 in flight",
    "send 128 B, 8 conns x 32 in flight: server cpu": "server CPU of such a send",
    "send 1 KiB, 8 conns x 32 in flight: rate": "send 1 KiB, 8 x 32 in flight",
    "send 128 B, one at a time: p99.9": "send one at a time, p99.9",
    "send 128 B, 64 conns one at a time: rate": "send 128 B, 64 connections one at a time",
    "send 128 B, 64 conns one at a time: p99.9": "the same, p99.9",
    "pull back 128 B: rate": "pull",
    "end to end at 1,000/s: p50": "end to end at 1,000/s, p50",
    "end to end at 10,000/s: p99": "end to end at 10,000/s, p99",
    "SYNC_FLUSH, 64 conns one at a time: rate": "SYNC_FLUSH, 64 connections",
}

# curve: (what grows, figure, what it is, the work that has to be done anyway)
CURVES = {
    "topics": ("topics", "server_us", "server CPU us a send", "O(1): a hash look-up"),
    "queues": ("queues", "server_us", "server CPU us a send", "O(1); each queue written costs one write a batch"),
    "connections": ("connections", "server_us", "server CPU us a send, one in flight on each", "O(1) a send"),
    "body bytes": ("bytes of a body", "server_us", "server CPU us a send", "O(bytes)"),
    "groups": ("groups that read all messages", "server_us", "server CPU us a message read", "O(1) a message read"),
    "held polls": ("long polls held", "server_us", "server CPU us a send", "O(1) a send that nobody waits for"),
    "joins": ("consumers that join one group at once", "server_us", "server CPU us a join",
              "O(members): each is told of each change"),
    "registered topics": ("topics a broker registers", "server_us", "server CPU us a registration", "O(topics)"),
    "routes": ("topics, 100 clients ask", "server_us", "server CPU us a route query", "O(1): a hash look-up"),
    "registered brokers": ("brokers with 1,000 topics each", "server_us", "server CPU us a registration",
                           "O(topics) each"),
}


def numbers(line):
    return {k: float(v) for k, v in re.findall(r"(\w+)=(-?[\d.]+)", line)}


def read(part):
    path = RAW / f"{part}.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return (lines[0].lstrip("# "), lines[1:]) if lines else (None, [])


def read_curves(lines):
    found = {}
    for line in lines:
        name = re.match(r"curve=(.*?) x=", line).group(1)
        found.setdefault(name, []).append(numbers(line))
    return found


def short(value):
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def picture(title, x_name, y_name, points):
    """A line over two logarithmic scales; the y scale spans at least two decades, so that flat looks flat."""
    width, height, left, bottom, top = 420, 240, 52, 40, 26
    xs = [math.log10(max(x, 1)) for x, _ in points]
    ys = [math.log10(max(y, 0.01)) for _, y in points]
    x0, x1 = min(xs), max(max(xs), min(xs) + 1)
    y0 = math.floor(min(ys))
    y1 = max(math.ceil(max(ys)), y0 + 2)
    at_x = lambda v: left + (v - x0) / (x1 - x0) * (width - left - 16)
    at_y = lambda v: height - bottom - (v - y0) / (y1 - y0) * (height - bottom - top)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
           f'font-size="11"><rect width="100%" height="100%" fill="#fff"/>',
           f'<text x="{left}" y="16" font-weight="bold">{title}: {y_name}</text>']
    for decade in range(y0, y1 + 1):
        y = at_y(decade)
        out.append(f'<path d="M{left} {y:.0f}H{width - 16}" stroke="#ddd"/>'
                   f'<text x="{left - 6}" y="{y + 4:.0f}" text-anchor="end">{short(10.0 ** decade)}</text>')
    line = " ".join(f"{at_x(x):.1f},{at_y(y):.1f}" for x, y in zip(xs, ys))
    out.append(f'<polyline points="{line}" fill="none" stroke="#06c" stroke-width="2"/>')
    for (x, _), lx, ly in zip(points, xs, ys):
        out.append(f'<circle cx="{at_x(lx):.1f}" cy="{at_y(ly):.1f}" r="3" fill="#06c"/>'
                   f'<text x="{at_x(lx):.0f}" y="{height - 24}" text-anchor="middle">{short(x)}</text>')
    out.append(f'<text x="{(width + left) / 2:.0f}" y="{height - 8}" text-anchor="middle">{x_name}</text></svg>')
    return "\n".join(out) + "\n"


def readme_table(lines):
    """The table under "Side by side"."""
    figures = {}
    for line in lines:
        m = re.match(r"(.+?)  +(\S+) +([\d.,]+) +([\d.,]+) +([\d.,]+x)$", line)
        if m:
            figures[m.group(1)] = m.groups()[1:]
    if not set(README_ROWS) <= set(figures):
        return  # a part of it was run
    rows = ["| | this broker | Java 5.5.0 | in our favour |", "|---|---|---|---|"]
    for scenario, name in README_ROWS.items():
        unit, ours, java, ratio = figures[scenario]
        rows.append(f"| {name} | {ours} {unit} | {java} {unit} | {ratio} |")
    text = README.read_text()
    README.write_text(re.sub(r"\| \| this broker \|(.*\n)+?(?=\n)", "\n".join(rows) + "\n", text, count=1))


def curve_sections(found):
    PICTURES.mkdir(exist_ok=True)
    for name, (x_name, figure, y_name, bound) in CURVES.items():
        points = [(p["x"], p[figure]) for p in found.get(name, [])]
        if not points:
            continue
        file = name.replace(" ", "-") + ".svg"
        (PICTURES / file).write_text(picture(name, x_name, y_name, points))
        yield f"### {name[0].upper()}{name[1:]}: {bound}\n\n![{name}](curves/{file})\n"
        yield f"| {x_name} | " + " | ".join(short(x) for x, _ in points) + " |"
        yield "|---" * (len(points) + 1) + "|"
        yield f"| {y_name} | " + " | ".join(f"{y:,.2f}" for _, y in points) + " |"
        yield "| anonymous memory, MiB | " + " | ".join(f"{p['anon_kib'] / 1024:,.1f}" for p in found[name]) + " |\n"


def raw_section(title, words, part):
    host, lines = read(part)
    if not lines:
        return []
    return [f"## {title}\n", f"{words}\n", f"On {host}\n", "```", *lines, "```\n"]


def main():
    out = ["# Results\n",
           "Made by `make bench` and `make curves` (bench.py, report.py) of the raw output in `raw/`. Only figures of one "
           "run are comparable; the first line of each says on which machine, when, and how busy it was.\n"]
    out += raw_section("Beside the Java broker",
                       "One load generator, both brokers in turn, medians of the rounds; a ratio above 1 is in our favour.",
                       "compare")
    readme_table(read("compare")[1])
    out += raw_section("Beside the least a server can do",
                       "128 B, 8 connections x 32 in flight. `null` cuts frames and answers, no more; `share` is the median "
                       "of ours / null over the rounds.", "null")
    out += raw_section("The store alone",
                       "No network; `memcpy` and `write` are what memory and disk of this machine do with the same bytes.",
                       "store")
    out += raw_section("Sends while a large topic is read",
                       "2,000 sends a second while 3 million messages of 1 KiB are read at full speed: from the disk, and "
                       "from memory.", "cold")
    host, lines = read("curves")
    if lines:
        out += ["## As the work grows\n", f"On {host}\n", *curve_sections(read_curves(lines))]
    (HERE / "results.md").write_text("\n".join(out).rstrip() + "\n")


main()
