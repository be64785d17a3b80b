"""An invoice as a page of the API: what it is allowed to do is its own style, and nothing else."""

import base64
import hashlib

from starlette.responses import Response

from tollgate.invoice_html import html_of
from wire.v1 import billing_pb2


def html_response(one: billing_pb2.Invoice) -> Response:
    """Return the page of an invoice."""
    page = html_of(one)
    style = page.partition(b"<style>")[2].partition(b"</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'; base-uri 'none'"
    return Response(page, headers={"content-security-policy": policy}, media_type="text/html")
