"""Two messages that should be the same, in words."""

from google.protobuf.message import Message


def field_differences(expected: Message, found: Message) -> str:
    """Return every field that differs, with what it is and what it should be."""
    texts = []
    for one in expected.DESCRIPTOR.fields:
        wanted, got = getattr(expected, one.name), getattr(found, one.name)
        if wanted != got:
            texts.append(f"{one.name} is {_text(got)}, expected {_text(wanted)}")
    return "; ".join(texts) or "unknown fields"


def _text(value: object) -> str:
    return " ".join(str(value).split()) or "''"
