"""gzip of large answers, at the speed of the network: isal at its lowest level (see docs on the Python stack)."""

from isal import igzip

from pynetes.component.memo import remembered

#: Smaller answers are sent as they are, as upstream does.
THRESHOLD = 128 * 1024


@remembered(256)
def accepts_gzip(accept_encoding: str) -> bool:
    """Whether the client names gzip, and says no more of it: upstream weighs nothing."""
    return any(part.strip() == "gzip" for part in accept_encoding.split(","))


def gzip(body: bytes) -> bytes:
    return bytes(igzip.compress(body, 0, mtime=0))
