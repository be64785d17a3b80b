"""An invoice as a PDF page, set by typst."""

import json
from pathlib import Path
from typing import Literal

from tollgate.invoice_page import page_of
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from wire.v1 import billing_pb2

TEMPLATE = Path(__file__).parent / "pages" / "invoice.typ"


def pdf_of(one: billing_pb2.Invoice) -> bytes:
    """Return the page of an invoice. The same invoice gives the same bytes: it holds no time of making."""
    return render(one, "pdf")[0]


def render(one: billing_pb2.Invoice, form: Literal["pdf", "png"], ppi: int = 144) -> list[bytes]:
    """Return the pages of an invoice as `png`, one each, or all of them as one `pdf`.

    Raises StackError where the package typst is missing.
    """
    try:
        import typst  # noqa: PLC0415 - only pages need it
    except ImportError as error:
        raise StackError("the package typst is not installed", "run `make setup`", EXIT_UNUSABLE) from error
    page = {"page": json.dumps(page_of(one), ensure_ascii=False)}
    made = typst.compile(TEMPLATE, format=form, ppi=ppi, sys_inputs=page, timestamp=one.issued_at_ms // 1000)
    return made if isinstance(made, list) else [made]
