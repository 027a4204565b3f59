"""`python -m fuzz.run NAME CORPUS SECONDS`: one target in libFuzzer's loop, in this process."""

import hashlib
import importlib
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import atheris

#: An input that takes longer is a finding, as is one that takes more memory.
_SECONDS, _MEBIBYTES = 10, 2048
_MAX_BYTES = 4096

Check = Callable[[bytes], None]


def main(name: str, corpus: Path, seconds: int) -> None:
    with atheris.instrument_imports(include=["pynetes.apimachinery"]):
        target = importlib.import_module(f"fuzz.{name}")
    for number, seed in enumerate(target.SEEDS):
        (corpus / f"seed-{number}").write_bytes(seed)
    words = corpus.parent / f"{name}.dict"
    words.write_text("".join(f'"{_escaped(token)}"\n' for token in target.TOKENS))
    findings = f"{corpus.parent}/{name}-"
    flags = {
        "max_total_time": seconds,
        "timeout": _SECONDS,
        "rss_limit_mb": _MEBIBYTES,
        "max_len": _MAX_BYTES,
        "dict": words,
        "artifact_prefix": findings,
        "print_final_stats": 1,
    }
    arguments = [f"-{flag}={value}" for flag, value in flags.items()]
    atheris.Setup([sys.argv[0], *arguments, str(corpus)], _going_on(target.check, findings))
    atheris.Fuzz()


def _going_on(check: Check, findings: str) -> Check:
    """What is raised at one place is told and kept once; the run goes on and may find more."""
    seen: set[tuple[str, str, int]] = set()

    def checked(data: bytes) -> None:
        try:
            check(data)
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            place = (type(error).__name__, frame.filename, frame.lineno or 0)
            if place not in seen:
                seen.add(place)
                path = Path(f"{findings}finding-{hashlib.sha1(data).hexdigest()[:12]}")
                path.write_bytes(data)
                print(f"\n{path}: {data!r}", flush=True)
                traceback.print_exc(file=sys.stdout)

    return checked


def _escaped(token: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in token.encode())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
