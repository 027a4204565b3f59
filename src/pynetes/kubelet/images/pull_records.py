"""Who may use a private image that lies on the node: only pods with the credentials it was pulled with.

Upstream's `NeverVerifyPreloadedImages`: an image that this kubelet did not pull is open to every pod, as is one pulled
anonymously or with the node's credentials. Records survive restarts as small JSON files, written before a pull
(an intent) and after it.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from pynetes.kubelet.images import reference
from pynetes.kubelet.images.keyring import Credential


class PullRecords:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._records: dict[str, dict[str, Any]] | None = None

    def _all(self) -> dict[str, dict[str, Any]]:
        if self._records is None:
            self._records = {}
            for path in self._directory.glob("*.json") if self._directory.is_dir() else ():
                try:
                    record = orjson.loads(path.read_bytes())
                    self._records[record["image"]] = record
                except (OSError, ValueError, KeyError, TypeError):
                    path.unlink(missing_ok=True)
        return self._records

    def _path(self, image: str) -> Path:
        return self._directory / f"sha256-{hashlib.sha256(image.encode()).hexdigest()}.json"

    def _write(self, record: dict[str, Any]) -> None:
        self._all()[record["image"]] = record
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(record["image"])
        temporary = path.with_suffix(".tmp")
        temporary.write_bytes(orjson.dumps(record))
        temporary.replace(path)

    def intend(self, image: str) -> None:
        """A pull begins. Should the kubelet die before it ends, the image counts as private to nobody known."""
        if image not in self._all():
            self._write({"image": image, "pulling": True, "open": False, "credentials": []})

    def failed(self, image: str) -> None:
        record = self._all().get(image)
        if record and record.get("pulling"):
            del self._all()[image]
            self._path(image).unlink(missing_ok=True)

    def pulled(self, image: str, used: Credential | None) -> None:
        old = self._all().get(image) or {}
        known = list(old.get("credentials") or ())
        is_open = bool(old.get("open")) or used is None or used.source is None
        if used is not None and used.source is not None:
            entry = {"secret": _coordinates(used), "hash": used.hash}
            known = [c for c in known if c["secret"] != entry["secret"]] + [entry]
        self._write({"image": image, "pulling": False, "open": is_open, "credentials": [] if is_open else known})

    def may_use(self, image: str, credentials: Iterable[Credential]) -> bool:
        """Whether a pod with these credentials may use the image without pulling it."""
        record = self._all().get(image)
        if record is None or record.get("open"):
            return True
        known = record.get("credentials") or ()
        return any(
            entry["hash"] == credential.hash or entry["secret"] == _coordinates(credential)
            for credential in credentials
            if credential.source is not None
            for entry in known
        )

    def keep_only(self, images: Iterable[str]) -> None:
        """Drops the records of images that are gone from the node; `images` are full names, as the runtime has
        them."""
        present = set(images)
        known = [image for image, record in self._all().items() if not record["pulling"]]
        for image in [image for image in known if _full_name(image) not in present]:
            del self._all()[image]
            self._path(image).unlink(missing_ok=True)


def _full_name(image: str) -> str:
    """`nginx:1` → `docker.io/library/nginx:1`."""
    parsed = reference.parse(image)
    return f"{parsed.repository}@{parsed.digest}" if parsed.digest else f"{parsed.repository}:{parsed.tag}"


def _coordinates(credential: Credential) -> list[str]:
    source = credential.source
    return [source.namespace, source.name, source.uid] if source else []
