"""Build hook: puts the compact schema of the served Kubernetes version inside the wheel (and an editable install)."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))


class SchemaBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs `extract` before hatchling collects the files."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        from extract import write_schema

        write_schema(Path(self.root) / "src/pynetes/apimachinery/schema")
