"""The sample invoice of the docs, made from a scenario. `python -m tests.golden.sample_invoice FILE` writes its PDF."""

import sys
from pathlib import Path

from tests.golden.conftest import HERE
from tests.golden.subscription_bill import Scenario
from tollgate.invoice_pdf import pdf_of
from wire.invoices import invoice_message
from wire.v1 import billing_pb2

SCENARIO = HERE / "subscriptions" / "19_usage_by_tier_and_promotion.yaml"


def sample_invoice() -> billing_pb2.Invoice:
    """Return the only invoice of the scenario."""
    ((invoice, _),) = Scenario.load(SCENARIO).closed()
    return invoice_message(invoice)


def main(file: str) -> None:
    """Write the PDF for the site, as git holds no such file."""
    path = Path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pdf_of(sample_invoice()))


if __name__ == "__main__":
    main(*sys.argv[1:])
