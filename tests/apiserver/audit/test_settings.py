"""Audit flags that cannot be meant."""

from pathlib import Path
from typing import Any

import pytest

from pynetes.apiserver.audit.settings import problems
from pynetes.apiserver.config import APIServerConfig

LOG: dict[str, Any] = {"audit_log_path": "-"}
WEBHOOK: dict[str, Any] = {"audit_webhook_config_file": Path("hook.conf")}


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        (LOG | WEBHOOK, []),
        ({"audit_log_mode": "maybe"}, []),
        (
            LOG | {"audit_log_mode": "maybe"},
            ['invalid audit log mode maybe, allowed modes are "batch,blocking,blocking-strict"'],
        ),
        (
            LOG | {"audit_log_format": "xml", "audit_log_maxage": -1},
            [
                'invalid audit log format xml, allowed formats are "legacy,json"',
                "--audit-log-maxage -1 can't be a negative number",
            ],
        ),
        (
            WEBHOOK | {"audit_webhook_batch_max_size": 0},
            ["invalid audit batch webhook max batch size 0, must be a positive number"],
        ),
        (
            WEBHOOK | {"audit_webhook_truncate_max_event_size": 7, "audit_webhook_truncate_max_batch_size": 6},
            ["invalid audit truncate webhook max batch size 6, must be greater than max event size (7)"],
        ),
    ],
)
def test_problems(settings: dict[str, Any], found: list[str]) -> None:
    assert problems(APIServerConfig(**settings)) == found
