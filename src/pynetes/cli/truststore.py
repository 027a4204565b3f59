"""aiohttp, imported without the machine's authorities; to be imported before what imports it.

aiohttp reads all certificates that the machine trusts as soon as it is imported, for requests that name no authorities.
That takes as long as all its modules together, and ours name theirs (`component.certificates.trusting`). A program
that uses `pynetes.testing` or the client may make such requests: so it is the command's processes alone that do this.
"""

import os

_FILE = "SSL_CERT_FILE"

_named = os.environ.get(_FILE)
os.environ[_FILE] = os.devnull
try:
    import aiohttp  # noqa: F401
finally:
    if _named is None:
        del os.environ[_FILE]
    else:
        os.environ[_FILE] = _named
