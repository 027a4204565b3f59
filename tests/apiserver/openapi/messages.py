"""Google's library told about a part of a format, so that it reads what we write."""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field

#: Message → field → (number, type); a capital begins a message's name, `*` a repeated field.
Part = dict[str, dict[str, tuple[int, str]]]

_SCALARS = {"string": Field.TYPE_STRING, "bool": Field.TYPE_BOOL, "double": Field.TYPE_DOUBLE}


def message_class(part: Part, package: str, root: str = "Document") -> type[Any]:
    """The class of the `root` message."""
    file = descriptor_pb2.FileDescriptorProto(name="part.proto", package=package, syntax="proto3")
    for message, fields in part.items():
        described = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            label = Field.LABEL_REPEATED if kind.startswith("*") else Field.LABEL_OPTIONAL
            bare = kind.lstrip("*")
            field = described.field.add(name=name, number=number, label=label)
            field.type = _SCALARS.get(bare, Field.TYPE_MESSAGE)
            if bare not in _SCALARS:
                field.type_name = f".{package}.{bare}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{root}"))
