#!/usr/bin/env python3
"""bench.py: measure this build, keep the raw output in bench/raw, and make bench/results.md of it (report.py).

    bench/bench.py [--dist dist] [--build build/release] [PART ...]

Parts (default: all but curves):
    compare   beside the Java broker with ../shared/bench/compare.py; without Maven ours alone; skipped without ../shared
    null      the rate of sends as a share of what a server reaches that only answers (bench_null_server)
    store     the store alone beside memory copied and bytes written to the same disk (bench_store)
    cold      response times of sends while all of a large topic is read, from the disk and from memory (bench_crowd)
    curves    what the work costs when there is more of it (bench_crowd); some minutes
Everything listens on 127.0.0.1 at free ports; folders are temporary. Only figures of one run are comparable.
"""
import argparse, os, pathlib, platform, random, re, shutil, signal, socket, statistics, subprocess, sys, tempfile, time

HERE = pathlib.Path(__file__).resolve().parent
SHARED = HERE.parent.parent / "shared"
RAW = HERE / "raw"


def free_port():
    while True:
        port = random.randrange(12000, 30000)
        try:
            for p in (port - 2, port, port + 1):
                with socket.socket() as s:
                    s.bind(("127.0.0.1", p))
            return port
        except OSError:
            continue


class Server:
    """One of our servers in a folder of its own, from boot to the end of the with block."""

    def __init__(self, args, what, *settings):
        self.args, self.what, self.settings, self.port = args, what, settings, free_port()

    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=self.args.folder))
        lines = [f"listenPort={self.port}", *self.settings]
        if self.what == "broker":
            lines += ["brokerIP1=127.0.0.1", f"storePathRootDir={self.dir}/store", "waitTimeMillsInSendQueue=5000"]
        (self.dir / "conf").write_text("\n".join(lines) + "\n")
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self):
        program, out = pathlib.Path(self.args.dist) / "lib" / "rocketmq" / f"mq{self.what}", self.dir / "out"
        with open(out, "w") as f:
            self.process = subprocess.Popen([program, "-c", self.dir / "conf"], stdout=f, stderr=f,
                                            env=dict(os.environ, HOME=str(self.dir)))
        until = time.time() + 30
        while "boot success" not in out.read_text():
            if self.process.poll() is not None or time.time() > until:
                sys.exit(f"mq{self.what} did not boot: " + out.read_text()[-500:])
            time.sleep(0.005)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def restart_cold(self):
        """Nothing of its files is in memory."""
        self.stop()
        for path in (self.dir / "store").rglob("*"):
            if path.is_file():
                with open(path, "rb") as f:
                    os.fsync(f.fileno())
                    os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        self.start()

    def cpu_ns(self):
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks)

    def wait_until_idle(self):
        """What it does behind the answers is done: it uses less than 1 % of a processor."""
        used = -1e9
        while self.cpu_ns() - used > 5e6:
            used = self.cpu_ns()
            time.sleep(0.5)


def tool(args, name):
    return str(pathlib.Path(args.build) / "bench" / f"bench_{name}")


def crowd_command(args, server, mode, **numbers):
    numbers["pid"] = server.process.pid
    return [tool(args, "crowd"), mode, f"127.0.0.1:{server.port}", *(f"{k}={v}" for k, v in numbers.items())]


def crowd(args, server, mode, **numbers):
    done = subprocess.run(crowd_command(args, server, mode, **numbers), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"bench_crowd {mode} {numbers}: {done.stderr}")
    return done.stdout.strip()


# --- parts: each yields lines of raw output -----------------------------------------------------------------------


def compare(args):
    script = SHARED / "bench" / "compare.py"
    if not script.exists():
        print(f"compare: skipped, {script} is not here", file=sys.stderr)
        return
    java = [] if shutil.which("mvn") and shutil.which("java") else ["--no-java"]
    command = [str(script), "--dist", args.dist, "--rounds", "5", *java]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        yield from (line.rstrip("\n") for line in running.stdout)
    if running.returncode:
        sys.exit("compare.py failed")


def null(args):
    """Rounds in turn, so that a busy machine is busy for both."""
    port, shares = free_port(), []
    null_server = subprocess.Popen([tool(args, "null_server"), str(port)])
    try:
        with Server(args, "broker", "defaultTopicQueueNums=8") as broker:
            work = dict(total=400000, conns=8, window=32, queues=8)
            crowd(args, broker, "send", **work)
            for _ in range(5):
                rates = []
                for name, at, pid in (("null", port, null_server.pid), ("ours", broker.port, broker.process.pid)):
                    numbers = dict(work, pid=pid)
                    line = subprocess.run([tool(args, "crowd"), "send", f"127.0.0.1:{at}",
                                           *(f"{k}={v}" for k, v in numbers.items())],
                                          capture_output=True, text=True, check=True).stdout.strip()
                    rates.append(float(re.search(r"rate=(\d+)", line).group(1)))
                    yield f"server={name} {line}"
                shares.append(rates[1] / rates[0])
    finally:
        null_server.kill()
        null_server.wait()
    yield f"share={statistics.median(shares):.2f}"


def store(args):
    with tempfile.TemporaryDirectory(prefix="bench-", dir=args.build) as folder:
        yield from subprocess.run([tool(args, "store"), folder], capture_output=True, text=True,
                                  check=True).stdout.splitlines()


def cold(args):
    """In each round: nobody reads; all is read from the disk; all is read once more, from memory."""
    messages, rate, seconds = 3000000, 2000, 2
    steady = dict(total=rate * seconds, rate=rate, conns=64)
    p99_us = {"nobody": [], "disk": [], "memory": []}
    with Server(args, "broker") as broker:
        crowd(args, broker, "send", total=messages, conns=8, window=32, body=1024)
        for _ in range(5):
            broker.restart_cold()
            crowd(args, broker, "steady", **dict(steady, total=rate, topics=1))
            for reads, times in p99_us.items():
                reading = None
                if reads != "nobody":
                    reading = subprocess.Popen(crowd_command(args, broker, "pull", total=messages),
                                               stdout=subprocess.PIPE, text=True)
                line = crowd(args, broker, "steady", **steady)
                times.append(float(re.search(r"p99_us=(\d+)", line).group(1)))
                yield f"reads={reads} sends: {line}"
                if reading:
                    yield f"reads={reads} reads: {reading.communicate()[0].strip()}"
    for base in ("nobody", "memory"):
        share = statistics.median(ours / theirs for ours, theirs in zip(p99_us["disk"], p99_us[base]))
        yield f"p99 of sends, disk / {base}: {share:.2f}"


def curve(name, x, line):
    return f"curve={name} x={x} {line}"


def broker_curves(args):
    """A new broker for each point; what is to be there is sent first."""
    work = dict(total=200000, conns=8, window=32)
    for topics in (1, 10, 100, 1000, 10000):
        with Server(args, "broker") as b:
            crowd(args, b, "send", **dict(work, total=topics, topics=topics, queues=1))
            yield curve("topics", topics, crowd(args, b, "send", topics=topics, queues=1, **work))
    for topics, queues in ((1, 8), (1, 100), (1, 1000), (10, 1000), (100, 1000)):
        with Server(args, "broker", "defaultTopicQueueNums=1000") as b:
            crowd(args, b, "send", **dict(work, total=topics * queues, topics=topics, queues=queues))
            b.wait_until_idle()
            yield curve("queues", topics * queues, crowd(args, b, "send", topics=topics, queues=queues, **work))
    for conns in (1, 10, 100, 1000, 5000):
        with Server(args, "broker") as b:
            yield curve("connections", conns, crowd(args, b, "send", total=max(50000, 10 * conns), conns=conns))
    for body in (100, 1000, 10000, 100000, 1000000):
        with Server(args, "broker") as b:
            total = min(200000, 1000000000 // body)
            yield curve("body bytes", body, crowd(args, b, "send", total=total, conns=8, window=4, body=body))
    for groups in (1, 10, 50, 200):
        with Server(args, "broker") as b:
            crowd(args, b, "send", **dict(work, total=40000))
            yield curve("groups", groups, crowd(args, b, "pull", total=40000, groups=groups))


def wait_curves(args):
    for polls in (0, 100, 1000, 10000):
        with Server(args, "broker") as b:
            crowd(args, b, "send", total=2, topics=2)
            holding = subprocess.Popen(crowd_command(args, b, "hold", total=polls, conns=10, topic=1),
                                       stdout=subprocess.DEVNULL)
            b.wait_until_idle()
            yield curve("held polls", polls, crowd(args, b, "send", total=200000, conns=8, window=32))
            holding.terminate()
            holding.wait()
    for clients in (10, 50, 100, 200, 500):
        with Server(args, "broker") as b:
            yield curve("joins", clients, crowd(args, b, "join", conns=clients))


def name_server_curves(args):
    for topics in (10, 100, 1000, 10000):
        with Server(args, "namesrv") as n:
            yield curve("registered topics", topics, crowd(args, n, "register", topics=topics))
            yield curve("routes", topics, crowd(args, n, "route", total=200000, conns=100, topics=topics))
    for brokers in (1, 5, 10, 25, 50):
        with Server(args, "namesrv") as n:
            yield curve("registered brokers", brokers, crowd(args, n, "register", conns=brokers, topics=1000))


def curves(args):
    """In memory where there is such a folder: a hundred thousand queue files say more of a disk than of us."""
    args.folder = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    yield from broker_curves(args)
    yield from wait_curves(args)
    yield from name_server_curves(args)


PARTS = {"compare": compare, "null": null, "store": store, "cold": cold, "curves": curves}


def host():
    """Where and when, as the first line of each raw file."""
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return (f"# {platform.node()}: {os.cpu_count()} x {cpu.group(1) if cpu else platform.machine()}, "
            f"Linux {platform.release()}, {time.strftime('%Y-%m-%d %H:%M')}, load {os.getloadavg()[0]:.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dist", default="dist")
    parser.add_argument("--build", default="build/release")
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="PART")
    args = parser.parse_args()
    args.folder = None # where servers have their folders: the usual place
    RAW.mkdir(exist_ok=True)
    for part in args.parts or ["compare", "null", "store", "cold"]:
        lines = [host()]
        for line in PARTS[part](args):
            print(line, flush=True)
            lines.append(line)
        if len(lines) > 1:
            (RAW / f"{part}.txt").write_text("\n".join(lines) + "\n")
    subprocess.run([sys.executable, str(HERE / "report.py")], check=True)


main()
