"""The sample invoice of the docs is what the code makes of a scenario: text in git, and always up to date."""

from tests.golden.conftest import HERE, Golden
from tests.golden.subscription_bill import Scenario
from tollgate.invoice_html import html_of
from wire.invoices import invoice_message

SCENARIO = HERE / "subscriptions" / "19_usage_by_tier_and_promotion.yaml"


def test_the_sample_invoice_is_that_of_its_scenario(golden: Golden) -> None:
    ((invoice, _),) = Scenario.load(SCENARIO).closed()
    page = html_of(invoice_message(invoice))
    golden("../../docs/reference/sample-invoice.html", page.decode() if isinstance(page, bytes) else page)
