"""`/logs/` serves the node's log directory and nothing beside it."""

from pathlib import Path
from typing import Any

import pytest
from yarl import URL

ASKED = {
    "/logs/": (200, None),
    "/logs": (301, "logs/"),
    "/logs/pods": (301, "pods/"),
    "/logs/pods/": (200, None),
    "/logs/a%20b.log": (200, "one\ntwo\n"),
    "/logs/a%20b.log/": (301, "../a b.log"),
    "/logs/index.html": (301, "./"),
    "/logs/none": (404, "404 page not found\n"),
    "/logs/../secret": (404, "404: Not Found"),
    "/logs/..%2Fsecret": (404, "404 page not found\n"),
}


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("s")
    found = tmp_path / "log"
    (found / "pods").mkdir(parents=True)
    (found / "a b.log").write_text("one\ntwo\n")
    (found / "c:<d>").touch()
    return found


async def test_files_and_directories(serve: Any, logs: Path) -> None:
    async with serve(log_directory=logs) as session:
        client = session()
        for path, (status, expected) in ASKED.items():
            async with client.get(URL(path, encoded=True), allow_redirects=False) as response:
                text = response.headers.get("Location") or await response.text()
                assert (response.status, text if expected else None) == (status, expected), path
        async with client.get("/logs/") as response:
            assert response.content_type == "text/html"
            assert (await response.text()).splitlines()[3:] == [
                '<a href="a%20b.log">a b.log</a>',
                '<a href="./c:%3Cd%3E">c:&lt;d&gt;</a>',
                '<a href="pods/">pods/</a>',
                "</pre>",
            ]
        async with client.get("/logs/a b.log", headers={"Range": "bytes=4-"}) as response:
            assert (response.status, await response.text()) == (206, "two\n")
