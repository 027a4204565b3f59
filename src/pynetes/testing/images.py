"""Container images for tests and examples, made of what Debian installs: no registry is needed.

`busybox()` is a whole userland of 2 MB; `debian_files()` takes installed packages with everything they depend on, the
way a distroless image does. Both give `oci.Entry` tables for `oci.layer`.
"""

import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from pynetes.kubelet import oci

BUSYBOX = "registry.test/busybox:1"

_PASSWD = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
_GROUP = b"root:x:0:\nnogroup:x:65534:\n"
_USELESS = re.compile(
    r"^/usr/share/(doc|man|info|locale|lintian|bash-completion|bug)/|^/usr/lib/systemd/|^/etc/init\.d/"
)


def basic_files() -> dict[str, oci.Entry]:
    """What nearly every program expects to find."""
    return {
        "etc/passwd": oci.File(_PASSWD),
        "etc/group": oci.File(_GROUP),
        "etc/nsswitch.conf": oci.File(b"passwd: files\ngroup: files\nhosts: files dns\n"),
        "tmp": oci.Directory(mode=0o1777),
        "var/tmp": oci.Directory(mode=0o1777),
        "root": oci.Directory(mode=0o700),
        "run": oci.Directory(),
        "proc": oci.Directory(),
        "sys": oci.Directory(),
        "dev": oci.Directory(),
    }


def busybox_files(binary: Path = Path("/bin/busybox")) -> dict[str, oci.Entry]:
    """Debian's busybox-static and a link for each of its commands."""
    names = subprocess.run([binary, "--list"], check=True, capture_output=True, text=True).stdout.split()
    links: dict[str, oci.Entry] = {f"bin/{name}": oci.Link("/bin/busybox") for name in names if name != "busybox"}
    return {**basic_files(), "bin/busybox": oci.File(binary, mode=0o755), **links}


def busybox(name: str = BUSYBOX, *, user: str = "", extra: Mapping[str, oci.Entry] | None = None) -> bytes:
    """An image with a shell, as a tar for `ctr images import`."""
    files = {**busybox_files(), **(extra or {})}
    return oci.image_tar(name, [oci.layer(files)], oci.ImageConfig(cmd=("sh",), user=user))


def debian_files(packages: Iterable[str]) -> dict[str, oci.Entry]:
    """Files of installed packages and of all they depend on, without documentation. LookupError if not installed."""
    out: dict[str, oci.Entry] = {}
    for package in sorted(_closure(packages)):
        listing = subprocess.run(["dpkg", "-L", package], check=True, capture_output=True, text=True).stdout
        for line in listing.splitlines():
            if line.startswith("/") and not _USELESS.match(line):
                _add_path(out, Path(line))
    return {**out, **basic_files()}


def _add_path(out: dict[str, oci.Entry], path: Path) -> None:
    # Debian's merged /usr: a package says /lib, the file lies below /usr/lib, and the image has real directories.
    parent = path.parent.resolve()
    target = str(parent / path.name).lstrip("/")
    if path.is_symlink():
        out[target] = oci.Link(str(path.readlink()))
    elif path.is_file():
        out[target] = oci.File(path, mode=path.stat().st_mode & 0o7777)
    for top in ("bin", "sbin", "lib", "lib64"):
        if Path("/", top).is_symlink():
            out[top] = oci.Link(f"usr/{top}")


def _closure(packages: Iterable[str]) -> set[str]:
    """Package names with everything they need, after `Depends` and `Pre-Depends`, the installed alternative first."""
    pattern = "${Package}\t${Provides}\t${Depends}, ${Pre-Depends}\t${db:Status-Status}\n"
    listing = subprocess.run(["dpkg-query", "-W", "-f", pattern], check=True, capture_output=True, text=True).stdout
    needs: dict[str, str] = {}
    provided_by: dict[str, str] = {}
    for line in listing.splitlines():
        name, provides, depends, status = line.split("\t")
        if status == "installed":
            needs[name] = depends
            provided_by.update(dict.fromkeys(_names(provides), name))
    found: set[str] = set()
    waiting = list(packages)
    if missing := [name for name in waiting if name not in needs]:
        raise LookupError(f"not installed: {', '.join(missing)}")
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for clause in needs[name].split(","):
            options = [n if n in needs else provided_by.get(n) for n in _names(clause.replace("|", ","))]
            waiting += [option for option in options if option][:1]
    return found


def _names(text: str) -> list[str]:
    return [re.split(r"[\s(:]", part.strip(), maxsplit=1)[0] for part in text.split(",") if part.strip()]
