"""The guestbook's images as a registry's files, made once a run: `examples/guestbook/build_images.py`."""

import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep

from bench import etcd
from bench.frame import Options, progress

EXAMPLE = Path(__file__).parents[1] / "examples" / "guestbook"


def guestbook(options: Options, place: Path) -> Path:
    """The directory of a registry (Debian's docker-registry) that holds the images; packages stay in the cache."""
    progress("building the guestbook's images")
    storage = place / "images"
    with _registry(place, storage) as port:
        build = [sys.executable, str(EXAMPLE / "build_images.py"), f"--registry=localhost:{port}"]
        subprocess.run([*build, f"--cache={options.cache / 'guestbook'}"], check=True, stdout=subprocess.DEVNULL)
    return storage


@contextmanager
def _registry(place: Path, storage: Path) -> Iterator[int]:
    (port,) = etcd.free_ports(1)
    settings = place / "registry.yaml"
    settings.write_text(
        f"version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n"
        f'storage: {{filesystem: {{rootdirectory: {storage}}}}}\nhttp: {{addr: "127.0.0.1:{port}"}}\n'
    )
    process = subprocess.Popen(["docker-registry", "serve", str(settings)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=1).close()
                break
            except (urllib.error.URLError, OSError):
                sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()
