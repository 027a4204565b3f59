"""`python -m fuzz [NAME…]`: runs targets one after the other; what is found lies beside the corpus and is printed."""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

#: Name → what is read; the module of that name is the target.
TARGETS = {
    "json_bodies": "JSON bodies of several kinds, and tokens in JSON",
    "yaml_bodies": "YAML bodies",
    "protobuf_bodies": "protobuf bodies of several kinds, and back",
    "patches": "JSON, merge, strategic merge and apply patches",
    "selectors": "label and field selectors, quantities, times, durations",
    "expressions": "CEL: parsed, checked, estimated, evaluated within a budget",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(TARGETS)} (default: all)")
    parser.add_argument("--seconds", type=int, default=600, help="how long each runs (default %(default)s)")
    parser.add_argument(
        "--corpus", type=Path, help="kept between runs (default: a new directory, which goes if nothing is found)"
    )
    given = parser.parse_args()
    if unknown := set(given.names) - TARGETS.keys():
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    root = given.corpus or Path(tempfile.mkdtemp(prefix="fuzz-"))
    status = 0
    for name in given.names or TARGETS:
        print(f"# {name}: {TARGETS[name]}", flush=True)
        corpus = root / name
        corpus.mkdir(parents=True, exist_ok=True)
        # A process each: atheris never returns.
        command = [sys.executable, "-m", "fuzz.run", name, str(corpus), str(given.seconds)]
        status |= subprocess.run(command, check=False).returncode
    found = [path for path in root.iterdir() if path.is_file() and path.suffix != ".dict"]
    for path in found:
        print(f"finding: {path}")
    if given.corpus is None and not found:
        shutil.rmtree(root)
    return 1 if found or status else 0


if __name__ == "__main__":
    sys.exit(main())
