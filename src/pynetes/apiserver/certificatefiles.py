"""Files with certificates and keys that change under a running server: who uses them reads them again.

What cannot be used (a certificate whose key is still to come, half a file) leaves what was there in force, and is tried
again.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from pynetes.apimachinery.errors import StatusError
from pynetes.component import clock
from pynetes.component.certificates import CertificateFileError

log = logging.getLogger(__name__)

_PERIOD = 1.0
Reload = Callable[[], Awaitable[None]]
#: Modification time, size and inode; None for a file that is not there.
_Stamp = tuple[int, int, int] | None


class CertificateFiles:
    def __init__(self) -> None:
        self._followed: list[tuple[tuple[Path, ...], Reload]] = []
        self._seen: list[list[_Stamp]] = []

    def follow(self, paths: Iterable[Path], reload: Reload) -> None:
        """Calls `reload` when one of the files is another than now; CertificateFileError, OSError or ValueError if
        that is of no use."""
        found = tuple(paths)
        self._followed.append((found, reload))
        self._seen.append([_stamp(path) for path in found])

    async def run(self) -> None:
        while True:
            await clock.sleep(_PERIOD)
            await self.look()

    async def look(self) -> None:
        for index, (paths, reload) in enumerate(self._followed):
            now = [_stamp(path) for path in paths]
            if now == self._seen[index]:
                continue
            names = ", ".join(map(str, paths))
            try:
                await reload()
            except (CertificateFileError, OSError, StatusError, ValueError) as error:
                log.warning("%s cannot be used: %s", names, error)
                continue
            self._seen[index] = now
            log.info("reloaded %s", names)


def _stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
