"""Container images made by hand: an OCI image layout in a tar, which `ctr images import` and skopeo take.

The same input gives the same bytes, so that an image's id tells whether anything changed.
"""

import gzip
import hashlib
import io
import platform
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson
from msgspec import Struct, field

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "riscv64": "riscv64", "ppc64le": "ppc64le", "s390x": "s390x"}


def architecture() -> str:
    """This machine's, by Go's name for it."""
    machine = platform.machine()
    return _ARCHITECTURES.get(machine, machine)


class File(Struct, frozen=True):
    """A file of the image: `content` is bytes or a path to copy from."""

    content: bytes | Path
    mode: int = 0o644
    uid: int = 0
    gid: int = 0


class Link(Struct, frozen=True):
    """A symbolic link."""

    target: str


class Directory(Struct, frozen=True):
    mode: int = 0o755
    uid: int = 0
    gid: int = 0


Entry = File | Link | Directory


class ImageConfig(Struct, frozen=True):
    """What the image says about how to run it."""

    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: Mapping[str, str] = field(
        default_factory=lambda: {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    )
    user: str = ""
    working_dir: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    exposed_ports: tuple[str, ...] = ()
    stop_signal: str = ""

    def to_json(self) -> dict[str, Any]:
        out: dict[str, Any] = {"Env": [f"{k}={v}" for k, v in self.env.items()]}
        optional = {
            "Entrypoint": list(self.entrypoint),
            "Cmd": list(self.cmd),
            "User": self.user,
            "WorkingDir": self.working_dir,
            "Labels": dict(self.labels),
            "ExposedPorts": {port: {} for port in self.exposed_ports},
            "StopSignal": self.stop_signal,
        }
        return out | {k: v for k, v in optional.items() if v}


def layer(entries: Mapping[str, Entry]) -> bytes:
    """An uncompressed layer. Missing parent directories are added; paths are absolute or relative to the root."""
    named = {path.strip("/"): entry for path, entry in entries.items()}
    for path in list(named):
        for parent in Path(path).parents:
            if str(parent) != ".":
                named.setdefault(str(parent), Directory())
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(named):
            _add(tar, path, named[path])
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, path: str, entry: Entry) -> None:
    info = tarfile.TarInfo(path)
    if isinstance(entry, Link):
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, entry.target, 0o777
        tar.addfile(info)
    elif isinstance(entry, Directory):
        info.type, info.mode, info.uid, info.gid = tarfile.DIRTYPE, entry.mode, entry.uid, entry.gid
        tar.addfile(info)
    else:
        content = entry.content if isinstance(entry.content, bytes) else entry.content.read_bytes()
        info.size, info.mode, info.uid, info.gid = len(content), entry.mode, entry.uid, entry.gid
        tar.addfile(info, io.BytesIO(content))


def image_tar(names: str | Iterable[str], layers: Iterable[bytes], config: ImageConfig | None = None) -> bytes:
    """The layout of one image under one or more full names (`registry.example/app:1`)."""
    blobs: dict[str, bytes] = {}
    raw = list(layers)
    packed = [gzip.compress(content, compresslevel=6, mtime=0) for content in raw]
    description = {
        "architecture": architecture(),
        "os": "linux",
        "config": (config or ImageConfig()).to_json(),
        "rootfs": {"type": "layers", "diff_ids": [_digest(content) for content in raw]},
        "history": [{"created_by": "pynetes"} for _ in raw],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": _descriptor(blobs, orjson.dumps(description), "application/vnd.oci.image.config.v1+json"),
        "layers": [_descriptor(blobs, c, "application/vnd.oci.image.layer.v1.tar+gzip") for c in packed],
    }
    found = _descriptor(blobs, orjson.dumps(manifest), "application/vnd.oci.image.manifest.v1+json")
    found["platform"] = {"architecture": architecture(), "os": "linux"}
    index = {
        "schemaVersion": 2,
        "manifests": [
            found | {"annotations": {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": _tag(name)}}
            for name in ([names] if isinstance(names, str) else names)
        ],
    }
    files: dict[str, Entry] = {
        "oci-layout": File(b'{"imageLayoutVersion":"1.0.0"}'),
        "index.json": File(orjson.dumps(index)),
    }
    return layer(files | {f"blobs/sha256/{digest}": File(content) for digest, content in blobs.items()})


def _tag(name: str) -> str:
    last = name.rpartition("/")[2]
    return last.partition(":")[2] or "latest"


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _descriptor(blobs: dict[str, bytes], content: bytes, media_type: str) -> dict[str, Any]:
    digest = _digest(content)
    blobs[digest.removeprefix("sha256:")] = content
    return {"mediaType": media_type, "digest": digest, "size": len(content)}
