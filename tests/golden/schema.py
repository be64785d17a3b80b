"""The wire schema as text, and which changes of it break what is already on the wire."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto

Schema = Mapping[str, str]
"""Full name of a field or an enum's value -> its number and all that its bytes depend on."""


def schema_of(modules: Iterable[Any]) -> dict[str, str]:
    """Return every field of every message, and every value of every enum."""
    found: dict[str, str] = {}
    for module in modules:
        for message in module.DESCRIPTOR.message_types_by_name.values():
            found.update(_message(message))
        for enum in module.DESCRIPTOR.enum_types_by_name.values():
            found.update(_enum(enum))
    return dict(sorted(found.items()))


def _message(message: Descriptor) -> Iterator[tuple[str, str]]:
    for field in message.fields:
        yield field.full_name, _field(field)
    for nested in message.nested_types:
        yield from _message(nested)
    for enum in message.enum_types:
        yield from _enum(enum)


def _enum(enum: EnumDescriptor) -> Iterator[tuple[str, str]]:
    scope = enum.full_name
    for value in enum.values:
        yield f"{scope}.{value.name}", f"{value.number} value"


def _field(field: FieldDescriptor) -> str:
    kind = FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    named = field.message_type or field.enum_type
    label = "repeated" if field.label == FieldDescriptor.LABEL_REPEATED else "optional"
    alternative = f" oneof {field.containing_oneof.name}" if field.containing_oneof else ""
    return f"{field.number} {kind} {named.full_name + ' ' if named else ''}{label}{alternative}"


def as_text(schema: Schema) -> str:
    """Return the golden text: one line for each field."""
    return "".join(f"{name} = {rest}\n" for name, rest in sorted(schema.items()))


def from_text(text: str) -> dict[str, str]:
    """Read the golden text."""
    return dict(line.split(" = ", 1) for line in text.splitlines())


def breaking_changes(before: Schema, now: Schema) -> list[str]:
    """Return what a reader or writer of `before` would no longer understand, in words."""
    found = [f"{name} was removed" for name in before if name not in now]
    found += [
        f"{name} was {before[name]} and is {now[name]}" for name in before if name in now and now[name] != before[name]
    ]
    taken = {(_owner(name), _number(rest)): name for name, rest in before.items()}
    for name, rest in now.items():
        first = taken.get((_owner(name), _number(rest)), name)
        if first != name:
            found.append(f"{name} uses number {_number(rest)} of {first}")
    return found


def _owner(name: str) -> str:
    return name.rpartition(".")[0]


def _number(rest: str) -> str:
    return rest.partition(" ")[0]
