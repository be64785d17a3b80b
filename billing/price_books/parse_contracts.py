"""What single customers agreed: inside a book, or alone (contract sections 2 and 4)."""

from collections.abc import Collection

from billing.instants import parse_instant
from billing.price_books.document import BookError, Errors, Node, entries_at
from billing.price_books.fields import Fields, read_scalar, suggestion
from billing.price_books.model import Contract, CreditPolicy
from billing.price_books.parse_promotions import check_unique
from billing.price_books.percent import parse_percent
from billing.price_books.readers import amount_picos, customer_id, identifier
from billing.pricing import PricingModel, parse_price

CONTRACT_FIELDS = (
    "customer_id",
    "effective_from",
    "price_book",
    "discount_percent",
    "minimum_spend",
    "spend_alerts",
    "prepaid_credit",
    "when_credit_is_used_up",
    "prices",
)


def parse_contract(node: Node) -> Contract | list[BookError]:
    """Read a contract that stands alone, which must say from when it counts; else all errors by line.

    Whether its meters exist is not checked: which book it will be used with is not known here.
    """
    errors = Errors()
    fields = Fields(node, errors, CONTRACT_FIELDS)
    fields.child("effective_from", required=True)
    contract = _parse_fields(fields)
    if contract is None or errors.found:
        return errors.by_line()
    return contract


def parse_contracts(parent: Fields, book_id: str | None) -> dict[str, Contract]:
    """Read the ``contracts`` of a book, by customer; those with errors are left out."""
    nodes = parent.items("contracts")
    found = []
    for node in nodes:
        fields = Fields(node, parent.errors, CONTRACT_FIELDS)
        found.append(_parse_fields(fields))
        if not fields.has("price_book") or fields.node_of("price_book").value == book_id:
            _check_meters(node, entries_at(parent.node, "meters"), parent.errors)
    check_unique(nodes, "customer_id", parent.errors)
    return {contract.customer_id: contract for contract in found if contract is not None}


def _parse_fields(fields: Fields) -> Contract | None:
    customer = fields.required("customer_id", customer_id)
    contract = Contract(
        customer_id=customer or "",
        effective_from_ms=fields.optional("effective_from", parse_instant),
        price_book=fields.optional("price_book", identifier),
        discount=fields.optional("discount_percent", parse_percent),
        minimum_spend_picos=fields.default("minimum_spend", amount_picos, 0),
        spend_alerts_picos=_parse_spend_alerts(fields),
        prepaid_credit_picos=fields.default("prepaid_credit", amount_picos, 0),
        when_credit_is_used_up=fields.default("when_credit_is_used_up", _credit_policy, CreditPolicy.CONTINUE),
        prices=_parse_prices(fields),
    )
    return None if customer is None else contract


def _parse_spend_alerts(fields: Fields) -> tuple[int, ...]:
    """Return the thresholds in rising order, each once, whatever order they are written in."""
    found = [read_scalar(node, _threshold, fields.errors) for node in fields.items("spend_alerts")]
    return tuple(sorted({picos for picos in found if picos is not None}))


def _parse_prices(fields: Fields) -> dict[str, PricingModel]:
    entries = fields.named_entries("prices", identifier)
    prices = {meter: parse_price(node, fields.errors) for meter, node in entries.items()}
    return {meter: price for meter, price in prices.items() if price is not None}


def _check_meters(node: Node, known: Collection[str], errors: Errors) -> None:
    for meter, price_node in entries_at(node, "prices").items():
        if meter not in known:
            errors.add(price_node, f"{meter} is not a meter of this book", suggestion(meter, known))


def _threshold(text: str) -> int:
    picos = amount_picos(text)
    if picos == 0:
        raise ValueError("an alert at 0 would fire before any usage: write an amount above 0")
    return picos


def _credit_policy(text: str) -> CreditPolicy:
    try:
        return CreditPolicy(text)
    except ValueError:
        choices = suggestion(text, list(CreditPolicy))
        raise ValueError(f"{text!r} is not what can happen at the end of a credit: {choices}") from None
