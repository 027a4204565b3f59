#!/usr/bin/env python3
"""Makes the guestbook's images from Debian packages and pushes them to a registry.

    build_images.py [--registry localhost:5000] [--cache DIR] [--force] [--download-only]

Each image is the set of packages that one program needs, unpacked, plus busybox for a shell: what a `FROM scratch`
Dockerfile with `COPY` lines would give. Nothing is executed, so no container engine is needed. Packages are
fetched by apt and kept in the cache directory; an image that the registry already has is not made again.
"""

import argparse
import fcntl
import gzip
import hashlib
import io
import json
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent

#: Packages that only maintainer scripts need: the images run none.
UNUSED = (
    "adduser", "debconf", "dpkg", "init-system-helpers", "iproute2", "libaudit-common", "libaudit1",
    "libfile-find-rule-perl", "libgdbm-compat4", "libgdbm6", "libnumber-compare-perl", "libpam-modules",
    "libpam-modules-bin", "libpam0g", "libperl5.36", "libsemanage-common", "libsemanage2", "libsepol2",
    "libtext-glob-perl", "lsb-base", "passwd", "perl", "perl-base", "perl-modules-5.36", "sysvinit-utils", "tar",
    "usrmerge",
)  # fmt: skip

#: Trees without use in a container.
UNUSED_TREES = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian", "usr/share/info")

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Image:
    name: str
    tags: tuple[str, ...]
    packages: tuple[str, ...]
    files: dict[str, bytes] = field(default_factory=dict)
    config: dict[str, object] = field(default_factory=dict)


def images() -> list[Image]:
    program = (HERE / "web" / "guestbook.py").read_bytes()
    return [
        Image("guestbook/frontend", ("1.0",), ("nginx-light",), config={"Cmd": ["nginx", "-g", "daemon off;"]}),
        Image("guestbook/redis", ("1.0",), ("redis-server",), config={"Cmd": ["redis-server"]}),
        Image(
            "guestbook/web",
            ("1.0", "1.1"),  # the same program: the second tag is there to be rolled out
            ("python3", "python3-redis"),
            files={"app/guestbook.py": program},
            config={
                "Entrypoint": ["python3", "-u", "/app/guestbook.py"],
                "ExposedPorts": {"8000/tcp": {}},
                "User": "1000",
            },
        ),
    ]


def fetch_packages(packages: tuple[str, ...], cache: Path) -> list[Path]:
    """The .deb files of `packages` and all they depend on, as if on an empty machine.

    Which they are is asked once for every `apt-get update`. One process fetches at a time: others wait for it.
    """
    known = cache / f"{identity(packages)}.json"
    if (chosen := fetched(known, cache)) is not None:
        return chosen
    (cache / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        chosen = fetched(known, cache)
        return fetch(packages, known, cache) if chosen is None else chosen


def fetched(known: Path, cache: Path) -> list[Path] | None:
    """What a fetch has written into `known`, if it is all there."""
    if not known.exists():
        return None
    chosen = [cache / "archives" / name for name in json.loads(known.read_text())]
    return chosen if all(deb.exists() for deb in chosen) else None


def fetch(packages: tuple[str, ...], known: Path, cache: Path) -> list[Path]:
    (cache / "status").touch()
    apt = [
        "apt-get", "-qq", "-y", "--no-install-recommends",
        "-o", f"Dir::State::status={cache / 'status'}",
        "-o", f"Dir::Cache::archives={cache / 'archives'}",
        "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root",
    ]  # fmt: skip
    wanted = [*packages, "busybox-static"]
    run = subprocess.run([*apt, "--download-only", "install", *wanted], capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(f"apt could not fetch {' '.join(wanted)}:\n{run.stderr.strip()}\nTry `apt-get update` first.")
    listing = subprocess.run([*apt, "-s", "install", *wanted], capture_output=True, text=True, check=True).stdout
    names = {line.split()[1] for line in listing.splitlines() if line.startswith("Inst ")}
    chosen = []
    for deb in sorted((cache / "archives").glob("*.deb")):
        package = deb.name.split("_", 1)[0]
        if package in names and package not in UNUSED:
            chosen.append(deb)
    unfinished = known.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps([deb.name for deb in chosen]))
    unfinished.replace(known)
    return chosen


def identity(packages: tuple[str, ...]) -> str:
    """Of a set of packages in what apt knows of now."""
    lists = Path("/var/lib/apt/lists")
    state = [*packages, *UNUSED, str(lists.stat().st_mtime_ns if lists.exists() else 0)]
    return hashlib.sha256(" ".join(state).encode()).hexdigest()[:16]


def unpack(packages: list[Path], files: dict[str, bytes], root: Path) -> None:
    """A root file system with a merged /usr, as Debian has it."""
    for directory in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / directory).mkdir(parents=True)
        (root / directory).symlink_to(f"usr/{directory}")
    for deb in packages:
        subprocess.run(
            f"dpkg-deb --fsys-tarfile '{deb}' | tar -x --keep-directory-symlink -C '{root}'", shell=True, check=True
        )
    for tree in UNUSED_TREES:
        subprocess.run(["rm", "-rf", str(root / tree)], check=True)
    for applet in subprocess.run([root / "bin/busybox", "--list"], capture_output=True, text=True).stdout.split():
        if not any(
            (root / place / applet).is_symlink() or (root / place / applet).exists() for place in ("bin", "sbin")
        ):
            (root / "bin" / applet).symlink_to("busybox")
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    (root / "tmp").mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)
    for directory in ("etc", "data", "var/log/nginx", "var/lib/nginx", "root", "proc", "sys", "dev", "run"):
        (root / directory).mkdir(parents=True, exist_ok=True)
    (root / "etc/passwd").write_text(
        "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\napp:x:1000:1000::/:/bin/sh\n"
    )
    (root / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\napp:x:1000:\n")


def layer(root: Path) -> bytes:
    """An uncompressed tar of `root`, the same for the same content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path in sorted(root.rglob("*")):
            entry = tar.gettarinfo(str(path), arcname=str(path.relative_to(root)))
            if entry is None:  # a socket or a device
                continue
            entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = 0, 0, 0, "", ""
            if entry.isreg():
                with path.open("rb") as content:
                    tar.addfile(entry, content)
            else:
                tar.addfile(entry)
    return buffer.getvalue()


class Registry:
    """The four calls of the distribution API that a push takes."""

    def __init__(self, host: str) -> None:
        self.base = f"http://{host}/v2"

    def _call(
        self, method: str, url: str, data: bytes | None = None, kind: str = "application/octet-stream"
    ) -> dict[str, str]:
        headers = {"Content-Type": kind, "Accept": f"{MANIFEST}, */*"}
        request = urllib.request.Request(url, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as response:
            return dict(response.headers)

    def has(self, path: str) -> bool:
        try:
            self._call("HEAD", f"{self.base}/{path}")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return False
            raise
        return True

    def push_blob(self, name: str, data: bytes) -> dict[str, object]:
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        if not self.has(f"{name}/blobs/{digest}"):
            place = self._call("POST", f"{self.base}/{name}/blobs/uploads/", b"")["Location"]
            self._call("PUT", f"{place}{'&' if '?' in place else '?'}digest={digest}", data)
        return {"digest": digest, "size": len(data)}

    def push(self, image: Image, tar: bytes) -> None:
        blob = self.push_blob(image.name, gzip.compress(tar, 1, mtime=0))
        for tag in image.tags:
            environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", f"GUESTBOOK_VERSION={tag}"]
            config = {
                "architecture": ARCHITECTURES[platform.machine()],
                "os": "linux",
                "config": {"Env": environment, "WorkingDir": "/", **image.config},
                "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest()]},
            }
            described = self.push_blob(image.name, json.dumps(config).encode())
            manifest = {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **described},
                "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", **blob}],
            }
            self._call("PUT", f"{self.base}/{image.name}/manifests/{tag}", json.dumps(manifest).encode(), MANIFEST)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--registry", default="localhost:5000", help="host:port of a registry (default %(default)s)")
    parser.add_argument(
        "--cache", type=Path, default=Path("/var/cache/pynetes/guestbook"), help="where packages are kept"
    )
    parser.add_argument("--force", action="store_true", help="make images that the registry has, too")
    parser.add_argument("--download-only", action="store_true", help="fetch the packages and make no images")
    options = parser.parse_args()
    if options.download_only:
        for image in images():
            fetch_packages(image.packages, options.cache)
        return
    registry = Registry(options.registry)
    try:
        wanted = [
            image
            for image in images()
            if options.force or not all(registry.has(f"{image.name}/manifests/{tag}") for tag in image.tags)
        ]
    except (urllib.error.URLError, OSError) as error:
        sys.exit(f"no registry answers at {options.registry} ({error}); `pynetes up --registry` starts one")
    os.umask(0o022)
    for image in wanted:
        with tempfile.TemporaryDirectory(prefix="guestbook-") as directory:
            root = Path(directory)
            unpack(fetch_packages(image.packages, options.cache), image.files, root)
            registry.push(image, layer(root))
        print(f"pushed {', '.join(f'{options.registry}/{image.name}:{tag}' for tag in image.tags)}")
    if not wanted:
        print("all images are in the registry")


if __name__ == "__main__":
    main()
