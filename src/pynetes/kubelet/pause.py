"""The program of the pause container, which holds a pod's namespaces open, and its image.

A few machine instructions are enough: block SIGCHLD, SIGINT and SIGTERM, wait for them, reap children (it is PID 1
where containers share the PID namespace) and exit on the other two. So no package and no registry is needed.
"""

import struct

from pynetes.kubelet import oci

IMAGE = "registry.k8s.io/pause:3.10.2"

_BASE = 0x400000
_HEADERS = 64 + 56
_MASK = 1 << 1 | 1 << 14 | 1 << 16
"""SIGINT (2), SIGTERM (15), SIGCHLD (17)."""


def _amd64() -> bytes:
    block = b"".join(
        (
            b"\x68" + struct.pack("<I", _MASK),  # push mask
            b"\xb8\x0e\x00\x00\x00",  # mov eax, 14 (rt_sigprocmask)
            b"\x31\xff",  # xor edi, edi (SIG_BLOCK)
            b"\x48\x89\xe6",  # mov rsi, rsp
            b"\x31\xd2",  # xor edx, edx
            b"\x41\xba\x08\x00\x00\x00",  # mov r10d, 8
            b"\x0f\x05",  # syscall
        )
    )
    wait = b"".join(
        (
            b"\xb8\x80\x00\x00\x00",  # mov eax, 128 (rt_sigtimedwait)
            b"\x48\x89\xe7",  # mov rdi, rsp
            b"\x31\xf6",  # xor esi, esi
            b"\x31\xd2",  # xor edx, edx
            b"\x41\xba\x08\x00\x00\x00",  # mov r10d, 8
            b"\x0f\x05",  # syscall
            b"\x83\xf8\x11",  # cmp eax, SIGCHLD
        )
    )
    leave = b"\xb8\xe7\x00\x00\x00\x31\xff\x0f\x05"  # exit_group(0)
    interrupted = b"\x85\xc0"  # test eax, eax: negative on EINTR
    to_reap = b"\x74" + struct.pack("<b", len(interrupted) + 2 + len(leave))  # je reap
    to_wait = b"\x78" + struct.pack("<b", -(len(wait) + len(to_reap) + len(interrupted) + 2))  # js wait
    reap = b"".join(
        (
            b"\xb8\x3d\x00\x00\x00",  # mov eax, 61 (wait4)
            b"\x48\x83\xcf\xff",  # or rdi, -1
            b"\x31\xf6",  # xor esi, esi
            b"\xba\x01\x00\x00\x00",  # mov edx, WNOHANG
            b"\x45\x31\xd2",  # xor r10d, r10d
            b"\x0f\x05",  # syscall
            b"\x85\xc0",  # test eax, eax
        )
    )
    again = b"\x7f" + struct.pack("<b", -(len(reap) + 2))  # jg reap
    before = len(wait) + len(to_reap) + len(interrupted) + len(to_wait) + len(leave) + len(reap) + len(again)
    back = b"\xeb" + struct.pack("<b", -(before + 2))  # jmp wait
    return block + wait + to_reap + interrupted + to_wait + leave + reap + again + back


def _arm64() -> bytes:
    def mov(register: int, value: int) -> int:
        return 0xD2800000 | value << 5 | register

    svc = 0xD4000001
    block = [
        mov(9, _MASK & 0xFFFF),
        0xF2A00000 | (_MASK >> 16) << 5 | 9,  # movk x9, #mask >> 16, lsl #16
        0xD10043FF,  # sub sp, sp, #16
        0xF90003E9,  # str x9, [sp]
        mov(0, 0),
        0x910003E1,  # mov x1, sp
        mov(2, 0),
        mov(3, 8),
        mov(8, 135),  # rt_sigprocmask
        svc,
    ]
    wait = [0x910003E0, mov(1, 0), mov(2, 0), mov(3, 8), mov(8, 137), svc, 0x7100441F]  # rt_sigtimedwait; cmp w0, #17
    leave = [mov(0, 0), mov(8, 94), svc]
    to_reap = 0x54000000 | (2 + len(leave)) << 5  # b.eq reap
    to_wait = 0x37F80000 | (-(len(wait) + 1) & 0x3FFF) << 5  # tbnz w0, #31, wait
    reap = [0x92800000, mov(1, 0), mov(2, 1), mov(3, 0), mov(8, 260), svc, 0x7100001F]  # wait4; cmp w0, #0
    again = 0x5400000C | (-len(reap) & 0x7FFFF) << 5  # b.gt reap
    back = 0x14000000 | (-(len(wait) + 2 + len(leave) + len(reap) + 1) & 0x3FFFFFF)  # b wait
    words = [*block, *wait, to_reap, to_wait, *leave, *reap, again, back]
    return struct.pack(f"<{len(words)}I", *words)


_MACHINES = {"amd64": (62, _amd64), "arm64": (183, _arm64)}
"""ELF machine number and code by architecture."""


def program(architecture: str = "") -> bytes:
    """A static ELF executable. ValueError for an architecture without code here."""
    name = architecture or oci.architecture()
    if name not in _MACHINES:
        raise ValueError(f"no pause program for {name}: give an image of your own with --pod-infra-container-image")
    machine, assemble = _MACHINES[name]
    code = assemble()
    size = _HEADERS + len(code)
    identity = b"\x7fELF" + bytes([2, 1, 1, 0]) + bytes(8)
    header = identity + struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, _BASE + _HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)  # PT_LOAD, read and execute
    return header + segment + code


def image_tar(name: str = IMAGE) -> bytes:
    """The pause image, ready for `ctr images import`."""
    content = oci.layer({"pause": oci.File(program(), mode=0o755)})
    config = oci.ImageConfig(entrypoint=("/pause",), user="65535:65535")
    return oci.image_tar(name, [content], config)
