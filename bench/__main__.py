"""`python -m bench [NAME…]`: measures, and prints the tables as Markdown."""

import argparse
import importlib
import os
import re
from pathlib import Path

from bench.frame import Options, machine_line, progress

#: Name → what it is about; the module of that name has `run(options) -> list[Table]`.
MEASUREMENTS = {
    "startup": "From `pynetes up` to `/readyz`, to node Ready, to the guestbook answering",
    "footprint": "Memory and idle CPU of each process",
    "apiserver": "API requests over HTTPS",
    "store": "The stores, without the API",
    "pods": "Pod start, its image present",
    "scheduler": "Scheduling decisions",
    "proxy": "Services to nftables",
    "network": "From pod to pod, and through a Service",
    "failover": "Three masters, of which one dies",
}


def main() -> None:
    given = _parse()
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # else it remarks on every process that is started
    machine = machine_line()
    print(f"Machine: {machine}. Medians of {given.rounds} rounds.\n")
    options = Options(given.rounds, given.seconds, given.directory, given.cache, given.only)
    for name in given.names or MEASUREMENTS:
        progress(name)
        tables = importlib.import_module(f"bench.{name}").run(options)
        text = "\n".join(table.markdown() for table in tables)
        print(f"## {MEASUREMENTS[name]}\n\n{text}", flush=True)
        if given.write:
            write(given.write, name, f"{text}\n*{machine}; {given.rounds} rounds.*\n")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(MEASUREMENTS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each case is measured (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of one case of a rate (default %(default)s)")
    parser.add_argument("--directory", help="where temporary data lies, on a disk that matters")
    parser.add_argument("--cache", type=Path, default=Options.cache, help="kept between runs (default %(default)s)")
    parser.add_argument("--only", default="", metavar="TEXT", help="of the API server: cases with this in their names")
    parser.add_argument("--write", type=Path, help="put the tables into this file, between its markers")
    given = parser.parse_args()
    if unknown := set(given.names) - MEASUREMENTS.keys():
        parser.error(f"no measurement {', '.join(sorted(unknown))}; there are {', '.join(MEASUREMENTS)}")
    return given


def write(path: Path, name: str, text: str) -> None:
    """Replaces what stands between `<!-- bench NAME -->` and `<!-- end -->`."""
    old = path.read_text()
    pattern = re.compile(rf"(<!-- bench {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not pattern.search(old):
        raise SystemExit(f"{path} has no place for {name}: `<!-- bench {name} -->` and `<!-- end -->`")
    path.write_text(pattern.sub(lambda found: found[1] + text + found[2], old))


if __name__ == "__main__":
    main()
