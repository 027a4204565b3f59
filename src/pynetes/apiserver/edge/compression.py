"""gzip of large answers, at the speed of the network: isal at its lowest level (see docs on the Python stack)."""

from isal import igzip

from pynetes.component.memo import remembered

#: Smaller answers are sent as they are, as upstream does.
THRESHOLD = 128 * 1024


@remembered(256)
def accepts_gzip(accept_encoding: str) -> bool:
    """Whether the client takes gzip (`q=0` refuses it)."""
    for part in accept_encoding.split(","):
        coding, _, weight = part.partition(";")
        if coding.strip().lower() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0")
    return False


def gzip(body: bytes) -> bytes:
    return bytes(igzip.compress(body, 0, mtime=0))
