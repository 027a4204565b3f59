"""TLS for MySQL, by the options of its own clients."""

import ssl

from pynetes.storage.location import Location

_MODES = ("DISABLED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")


def tls_context(location: Location) -> ssl.SSLContext | None:
    """From ssl-mode, ssl-ca, ssl-cert and ssl-key; None without TLS. With ssl-ca alone, the server is verified."""
    ca, cert, key = (location.option(f"ssl-{name}") for name in ("ca", "cert", "key"))
    mode = location.option("ssl-mode", "VERIFY_IDENTITY" if ca else "REQUIRED" if cert else "DISABLED").upper()
    if mode not in _MODES:
        raise location.bad(f"ssl-mode is one of {', '.join(_MODES)}")
    if mode == "DISABLED":
        return None
    try:
        context = ssl.create_default_context(cafile=ca or None)
        if cert:
            context.load_cert_chain(cert, key or None)
    except OSError as e:
        raise location.bad(f"its certificates cannot be used: {e}") from e
    context.check_hostname = mode == "VERIFY_IDENTITY"
    if mode == "REQUIRED":
        context.verify_mode = ssl.CERT_NONE
    return context
