"""What every promotion is, and the meters that one is for."""

from typing import Protocol

from billing.price_books.fields import Fields, read_scalar

ALL_METERS = "*"


class Promotion(Protocol):
    """One entry of a book's promotions."""

    @property
    def id(self) -> str:
        """The name that allowances and adjustments are kept under."""

    @property
    def meters(self) -> frozenset[str]:
        """The meters it is for; "*" stands for all."""

    def covers(self, meter: str) -> bool:
        """Say whether it is for this meter."""


def covers_meter(meters: frozenset[str], meter: str) -> bool:
    """Say whether a set of meters, with "*" for all, has this one."""
    return meter in meters or ALL_METERS in meters


def parse_meters(fields: Fields) -> frozenset[str]:
    """Read the ``meters`` of a promotion; whether they exist is checked by the book."""
    names = [read_scalar(node, str, fields.errors) for node in fields.items("meters", required=True)]
    return frozenset(name for name in names if name is not None)
