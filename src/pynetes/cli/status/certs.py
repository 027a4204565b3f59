"""Certificates of this machine that end soon, or have ended."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from pynetes.apimachinery import times
from pynetes.cli.layout import Layout
from pynetes.cli.status.remarks import BAD, WARN, Remark

Object = dict[str, Any]

SECTION = "certificates"
DAY = 86400.0
#: Days before its end that a certificate is worth a word: `up` renews leaves when a third of their life is left.
LEAF_DAYS, AUTHORITY_DAYS = 30, 180


class Certificate(Struct, frozen=True):
    """`problem`: why it cannot be read. `kept`: the kubelet renews it by itself."""

    path: str
    ends: datetime | None = None
    authority: bool = False
    kept: bool = False
    problem: str = ""

    def left(self, now: datetime) -> float:
        """Seconds; negative after its end."""
        assert self.ends is not None
        return (self.ends - now).total_seconds()

    def document(self) -> Object:
        ends = times.format_time(self.ends) if self.ends else None
        return {"path": self.path, "ends": ends, "authority": self.authority, "problem": self.problem}


def read(layout: Layout) -> list[Certificate]:
    """All there are on this machine."""
    own = [(path, False) for path in sorted(layout.pki.rglob("*.crt"))]
    kubelet = [(path, True) for path in sorted(layout.kubelet_pki.glob("*-current.pem"))]
    return [_read(path, kept) for path, kept in (*own, *kubelet)]


def _read(path: Path, kept: bool) -> Certificate:
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())[0]
        constraints = found.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return Certificate(str(path), found.not_valid_after_utc, kept=kept)
    except (OSError, ValueError) as error:
        return Certificate(str(path), problem=str(error), kept=kept)
    return Certificate(str(path), found.not_valid_after_utc, constraints.ca, kept)


def soon(found: Iterable[Certificate], now: datetime) -> list[Certificate]:
    """Those worth a word, the next to end first."""
    chosen = [
        each
        for each in found
        if each.problem or each.left(now) < DAY * (AUTHORITY_DAYS if each.authority else LEAF_DAYS)
    ]
    return sorted(chosen, key=lambda each: (not each.problem, 0.0 if each.problem else each.left(now), each.path))


def remarks(found: Iterable[Certificate], now: datetime) -> list[Remark]:
    return [_remark(each, now) for each in soon(found, now)]


def _remark(certificate: Certificate, now: datetime) -> Remark:
    if certificate.problem:
        remedy = "restore it from a backup, or remove it: `pynetes up` makes certificates that are missing"
        return Remark(BAD, SECTION, f"{certificate.path} cannot be read: {certificate.problem}", remedy)
    left = certificate.left(now)
    ends = f"ends in {times.human_duration(left)}" if left > 0 else f"ended {times.human_duration(-left)} ago"
    remedy = "`pynetes down` and `pynetes up` renew it; pods run on"
    if certificate.authority:
        remedy = "an authority is never replaced by itself: plan a new cluster, or its replacement"
    elif certificate.kept:
        remedy = "the kubelet renews it while it reaches the cluster; after its end join again with a new token"
    return Remark(WARN if left > 0 else BAD, SECTION, f"{certificate.path} {ends}", remedy)
