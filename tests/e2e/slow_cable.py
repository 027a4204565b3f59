"""A cable between two bridges that delays frames and loses some: two TAP devices, and this process in between.

Kernels do not all have netem. Arguments: the devices' names, delay and jitter in milliseconds, loss in per cent.
"""

import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time

_TUNSETIFF = 0x400454CA
_IFF_TAP, _IFF_NO_PI = 0x0002, 0x1000
_FRAME = 65536


def tap(name: str) -> int:
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH14x", name.encode(), _IFF_TAP | _IFF_NO_PI))
    return descriptor


def relay(one: int, other: int, delay: float, jitter: float, loss: float) -> None:
    chance = random.Random(1)
    across = {one: other, other: one}
    waiting: list[tuple[float, int, int, bytes]] = []
    number = 0
    while True:
        timeout = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        for source in select.select(list(across), [], [], timeout)[0]:
            frame = os.read(source, _FRAME)
            if chance.random() >= loss:
                number += 1
                due = time.monotonic() + delay + chance.uniform(-jitter, jitter)
                heapq.heappush(waiting, (due, number, across[source], frame))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, target, frame = heapq.heappop(waiting)
            try:
                os.write(target, frame)
            except OSError:
                continue  # the device is down or full: one more frame is lost


def main(one: str, other: str, delay: str, jitter: str, loss: str) -> None:
    ends = tap(one), tap(other)
    print("ready", flush=True)
    relay(*ends, float(delay) / 1000, float(jitter) / 1000, float(loss) / 100)


if __name__ == "__main__":
    main(*sys.argv[1:])
