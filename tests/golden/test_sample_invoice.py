"""The sample invoice of the docs is what the code makes of a scenario: text in git, and always up to date."""

from pathlib import Path

from tests.golden.conftest import Golden
from tests.golden.sample_invoice import main, sample_invoice
from tollgate.invoice_html import html_of


def test_the_sample_invoice_is_that_of_its_scenario(golden: Golden) -> None:
    page = html_of(sample_invoice())
    golden("../../docs/reference/sample-invoice.html", page.decode() if isinstance(page, bytes) else page)


def test_the_site_has_it_as_a_pdf(tmp_path: Path) -> None:
    main(str(tmp_path / "made" / "sample.pdf"))
    assert (tmp_path / "made" / "sample.pdf").read_bytes().startswith(b"%PDF-")
