"""What a verification of invoices found."""

from dataclasses import dataclass, field
from typing import ClassVar

from tollgate.audit.report import Differing


@dataclass
class InvoiceReport(Differing):
    """What was found. `clock_ms` is how far the job has closed what was due; `uncommitted` is due since then.

    `notes` are credit and debit notes, `refused` requests for one that were dead-lettered.
    """

    most: ClassVar[int] = 20

    clock_ms: int = 0
    invoices: int = 0
    daily_bills: int = 0
    customers: int = 0
    notes: int = 0
    refused: int = 0
    uncommitted: int = 0
    difference_count: int = 0
    differences: list[str] = field(default_factory=list)
