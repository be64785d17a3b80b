"""What a verification of invoices found."""

from dataclasses import dataclass, field

MAX_DIFFERENCES = 20


@dataclass
class InvoiceReport:
    """What was found. `clock_ms` is how far the job has closed what was due; `uncommitted` is due since then.

    `notes` are credit and debit notes, `refused` requests for one that were dead-lettered.
    """

    clock_ms: int = 0
    invoices: int = 0
    daily_bills: int = 0
    customers: int = 0
    notes: int = 0
    refused: int = 0
    uncommitted: int = 0
    difference_count: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Tell whether every document is right and none is missing."""
        return not self.difference_count

    def differ(self, text: str) -> None:
        """Note a difference."""
        self.difference_count += 1
        if len(self.differences) < MAX_DIFFERENCES:
            self.differences.append(text)
