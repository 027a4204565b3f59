"""Generates Python modules from every .proto under src/pynetes (`make generate`); run after changing one."""

import sys
from pathlib import Path

from grpc_tools import protoc

SOURCE = Path(__file__).resolve().parent.parent / "src"


def _type_mappings(stub: Path) -> None:
    """protoc writes a bare `_Mapping`, which `mypy --strict` refuses."""
    text = stub.read_text().replace("_Mapping]", "_Mapping[str, object]]")
    stub.write_text(text)


def main() -> int:
    includes = [f"-I{SOURCE}", f"-I{Path(protoc.__file__).parent / '_proto'}"]
    outputs = [f"--python_out={SOURCE}", f"--pyi_out={SOURCE}"]
    for proto in sorted(SOURCE.rglob("*.proto")):
        if code := protoc.main(["protoc", *includes, *outputs, str(proto)]):
            return int(code)
        _type_mappings(proto.with_name(f"{proto.stem}_pb2.pyi"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
