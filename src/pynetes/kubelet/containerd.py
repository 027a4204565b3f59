"""A containerd of ours: its configuration by version and machine, whether it answers, its sandbox image.

For `pynetes up`, whose supervisor runs it, and for tests; a kubelet told to use an existing runtime needs none of this.
"""

import asyncio
import logging
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from pynetes.component import clock
from pynetes.kubelet import pause
from pynetes.kubelet.cri.channel import Channel, CRIError
from pynetes.kubelet.cri.runtime import RuntimeService

log = logging.getLogger(__name__)

_CAP_SYS_RESOURCE = 24
_UNUSED_SNAPSHOTTERS = ("aufs", "btrfs", "devmapper", "zfs", "blockfile", "erofs")


class ContainerdError(Exception):
    """containerd is missing, too old or does not start."""


class Version(Struct, frozen=True):
    major: int
    minor: int

    @property
    def config_version(self) -> int:
        return 3 if self.major >= 2 else 2


class Machine(Struct, frozen=True):
    """What this machine lets root do."""

    cap_sys_resource: bool
    apparmor: bool


def detect_machine() -> Machine:
    return Machine(
        cap_sys_resource=has_cap_sys_resource(),
        apparmor=_read("/sys/module/apparmor/parameters/enabled").strip() == "Y",
    )


def has_cap_sys_resource() -> bool:
    """Without it no process may lower its oom_score_adj, and runc fails in odd ways."""
    match = re.search(r"^CapEff:\s*([0-9a-f]+)", _read("/proc/self/status"), re.MULTILINE)
    return bool(match and int(match[1], 16) >> _CAP_SYS_RESOURCE & 1)


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


async def detect_version() -> Version:
    """Raises ContainerdError where there is none."""
    try:
        process = await asyncio.create_subprocess_exec(
            "containerd", "--version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except FileNotFoundError:
        raise ContainerdError("containerd is not installed") from None
    output, _ = await process.communicate()
    return parse_version(output.decode())


def parse_version(text: str) -> Version:
    """From `containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u1`."""
    match = re.search(r"\bv?(\d+)\.(\d+)\.\d+", text)
    if not match:
        raise ContainerdError(f"cannot read containerd's version from {text.strip()!r}")
    version = Version(int(match[1]), int(match[2]))
    if (version.major, version.minor) < (1, 6):
        raise ContainerdError(f"containerd {version.major}.{version.minor} has no CRI v1: 1.6 or newer is needed")
    return version


class ContainerdConfig(Struct, frozen=True):
    """Where a containerd of ours lives and how it runs pods."""

    root: Path
    state: Path
    socket: Path
    cni_conf_dir: Path
    cni_bin_dirs: tuple[Path, ...] = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
    registry_config_path: Path | None = None
    """A certs.d directory, read at every pull."""
    sandbox_image: str = pause.IMAGE
    systemd_cgroup: bool = False
    runtimes: tuple[str, ...] = ()
    """Further names of the plain runtime, for RuntimeClasses."""
    runtime_binary: str = ""
    """Empty: runc."""
    log_level: str = "info"


def config_tables(config: ContainerdConfig, version: Version, machine: Machine) -> dict[str, Any]:
    """The configuration as nested tables."""
    cri = {
        "enable_selinux": False,
        "disable_apparmor": not machine.apparmor,
        "restrict_oom_score_adj": not machine.cap_sys_resource,
        "tolerate_missing_hugetlb_controller": True,
    }
    stream = {"stream_server_address": "127.0.0.1", "stream_server_port": "0"}
    runtimes = {
        "default_runtime_name": "runc",
        "runtimes": {name: _runtime(config) for name in ("runc", *config.runtimes)},
    }
    registry = {"config_path": str(config.registry_config_path)} if config.registry_config_path else {}
    if version.config_version == 3:
        images = {"snapshotter": "overlayfs", "pinned_images": {"sandbox": config.sandbox_image}, "registry": registry}
        plugins: dict[str, Any] = {
            "io.containerd.cri.v1.images": images,
            "io.containerd.cri.v1.runtime": {**cri, "containerd": runtimes, "cni": _cni(config, version)},
            "io.containerd.grpc.v1.cri": stream,
        }
    else:
        whole = {**cri, **stream, "sandbox_image": config.sandbox_image, "max_container_log_line_size": 16384}
        whole |= {"containerd": {"snapshotter": "overlayfs", **runtimes}, "cni": _cni(config, version)}
        plugins = {"io.containerd.grpc.v1.cri": {**whole, "registry": registry}}
    plugins["io.containerd.internal.v1.opt"] = {"path": str(config.root / "opt")}
    return {
        "version": version.config_version,
        "root": str(config.root),
        "state": str(config.state),
        "disabled_plugins": [f"io.containerd.snapshotter.v1.{name}" for name in _UNUSED_SNAPSHOTTERS],
        "grpc": {"address": str(config.socket), "uid": 0, "gid": 0},
        "ttrpc": {"address": f"{config.socket}.ttrpc", "uid": 0, "gid": 0},
        "debug": {"address": "", "level": config.log_level},
        "plugins": plugins,
    }


def _runtime(config: ContainerdConfig) -> dict[str, Any]:
    options: dict[str, Any] = {"SystemdCgroup": config.systemd_cgroup}
    if config.runtime_binary:
        options["BinaryName"] = config.runtime_binary
    return {"runtime_type": "io.containerd.runc.v2", "options": options}


def _cni(config: ContainerdConfig, version: Version) -> dict[str, Any]:
    present = [str(path) for path in config.cni_bin_dirs if path.is_dir()] or [str(config.cni_bin_dirs[0])]
    # Lists came with 2.1; before, one directory it is.
    binaries = {"bin_dirs": present} if (version.major, version.minor) >= (2, 1) else {"bin_dir": present[0]}
    return {**binaries, "conf_dir": str(config.cni_conf_dir), "max_conf_num": 1}


def to_toml(tables: Mapping[str, Any], path: str = "") -> str:
    """Plain values first, then sub-tables, as TOML wants it."""
    lines, below = [], []
    for key, value in tables.items():
        name = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _quote(key)
        if isinstance(value, Mapping):
            inner = f"{path}.{name}" if path else name
            below.append(f"\n[{inner}]\n{to_toml(value, inner)}")
        else:
            lines.append(f"{name} = {_toml_value(value)}\n")
    return "".join(lines) + "".join(below)


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(_toml_value(item) for item in value) + "]"
    return _quote(str(value))


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def containerd_config(config: ContainerdConfig, version: Version, machine: Machine | None = None) -> str:
    """The text of config.toml."""
    return to_toml(config_tables(config, version, machine or detect_machine()))


class Containerd:
    """A containerd of ours, which the supervisor runs: what it needs before and after its start."""

    def __init__(self, config: ContainerdConfig) -> None:
        self.config = config
        self.endpoint = f"unix://{config.socket}"
        self.config_file = config.root.with_name(config.root.name + ".toml")

    async def prepare(self, machine: Machine | None = None) -> None:
        """Writes the configuration and makes the directories."""
        version = await detect_version()
        for path in (self.config.root, self.config.state, self.config.socket.parent, self.config.cni_conf_dir):
            path.mkdir(parents=True, exist_ok=True)
        self.config_file.write_text(containerd_config(self.config, version, machine))

    async def wait_ready(self, timeout: float = 30.0) -> None:
        """Until CRI answers. Raises ContainerdError."""
        try:
            async with asyncio.timeout(timeout), Channel(self.endpoint) as channel:
                while True:
                    try:
                        await RuntimeService(channel, timeout=1.0).version()
                        return
                    except CRIError:
                        await clock.sleep(0.02)
        except TimeoutError:
            raise ContainerdError(f"containerd does not answer on {self.config.socket}") from None

    async def ctr(self, *arguments: str) -> bytes:
        """Runs `ctr` on the kubelet's namespace; raises ContainerdError with what it said."""
        binary = shutil.which("ctr") or "ctr"
        command = [binary, "--address", str(self.config.socket), "--namespace", "k8s.io", *arguments]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        output, _ = await process.communicate()
        if process.returncode:
            raise ContainerdError(f"ctr {' '.join(arguments)}: {output.decode(errors='replace').strip()}")
        return output

    async def import_pause_image(self) -> None:
        """Gives it the sandbox image; images of garbage collection never touch it where containerd can pin."""
        path = self.config.root / "pause.tar"
        path.write_bytes(pause.image_tar(self.config.sandbox_image))
        try:
            await self.ctr("images", "import", str(path))
            await self.ctr("images", "label", self.config.sandbox_image, "io.cri-containerd.pinned=pinned")
        finally:
            path.unlink(missing_ok=True)
