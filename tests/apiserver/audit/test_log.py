"""The log file: lines, rotation by size, clearing by number and age."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pynetes.apiserver.audit.log import LogBackend, Rotation, backups_of, outdated
from pynetes.component import clock

EVENT: dict[str, Any] = {
    "auditID": "1",
    "stage": "ResponseComplete",
    "requestURI": "/api/v1/pods?limit=1",
    "verb": "list",
    "user": {"username": "alice", "groups": ["dev"]},
    "requestReceivedTimestamp": "2024-01-02T03:04:05.000000Z",
    "responseStatus": {"code": 200},
}


async def test_events_are_lines_in_order(tmp_path: Path) -> None:
    file = tmp_path / "new" / "audit.log"
    backend = LogBackend(str(file))
    await backend.write([EVENT, {**EVENT, "auditID": "2"}])
    await backend.write([{**EVENT, "auditID": "3"}])
    assert [json.loads(line)["auditID"] for line in file.read_text().splitlines()] == ["1", "2", "3"]
    assert file.stat().st_mode & 0o777 == 0o600


async def test_the_older_form(tmp_path: Path) -> None:
    file = tmp_path / "audit.log"
    await LogBackend(str(file), "legacy").write([EVENT])
    assert file.read_text() == (
        '2024-01-02T03:04:05.000000Z AUDIT: id="1" stage="ResponseComplete" ip="<unknown>" method="list" user="alice" '
        'groups="dev" as="<self>" asgroups="<lookup>" user-agent="" namespace="<none>" uri="/api/v1/pods?limit=1" '
        'response="200"\n'
    )


@pytest.mark.parametrize("stands", [False, True], ids=["clock", "files of one millisecond"])
async def test_a_full_file_is_put_aside_and_the_oldest_go(
    tmp_path: Path, stands: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if stands:
        monkeypatch.setattr(clock, "now", lambda: datetime(2024, 1, 2, tzinfo=UTC))
    file = tmp_path / "audit.log"
    backend = LogBackend(str(file), rotation=Rotation(size=1, backups=2))
    big = {**EVENT, "userAgent": "x" * 600_000}
    for number in range(6):
        await backend.write([{**big, "auditID": str(number)}])
    kept = backups_of(file)
    assert len(kept) == 2
    found = [json.loads(path.read_text())["auditID"] for path in sorted(kept, key=lambda path: kept[path])]
    assert [*found, json.loads(file.read_text())["auditID"]] == ["3", "4", "5"]


async def test_what_is_put_aside_is_packed(tmp_path: Path) -> None:
    backend = LogBackend(str(tmp_path / "audit.log"), rotation=Rotation(size=1, backups=1, compress=True))
    for number in range(4):
        await backend.write([{**EVENT, "userAgent": "x" * 600_000, "auditID": str(number)}])
    (kept,) = backups_of(tmp_path / "audit.log")
    assert kept.suffixes[-2:] == [".log", ".gz"]
    assert json.loads(gzip.decompress(kept.read_bytes()))["auditID"] == "2"


def test_backups_go_by_number_and_by_age() -> None:
    now = datetime(2024, 1, 10, tzinfo=UTC)
    backups = {Path(f"audit-{day}"): datetime(2024, 1, day, tzinfo=UTC) for day in (1, 5, 8, 9)}

    def gone(**rotation: int) -> set[str]:
        return {path.name for path in outdated(backups, Rotation(**rotation), now)}

    assert gone() == set()
    assert gone(backups=3) == {"audit-1"}
    assert gone(age=3) == {"audit-1", "audit-5"}
    assert gone(age=3, backups=1) == {"audit-1", "audit-5", "audit-8"}
