"""Contracts and several price books, published to the running job."""

from pathlib import Path

from billing.instants import format_instant
from tests.integration.conftest import Tollgate, usage

YEN_BOOK = """
price_book: tokyo
version: 1
effective_from: 2020-01-01T00:00:00Z
currency: JPY
cycle: {period: month, timezone: Asia/Tokyo}
meters:
  sms.outbound: {unit: message, price: {model: volume, tiers: [{up_to: 100, unit_price: "2"}, {unit_price: "1"}]}}
"""


def test_published_contracts_choose_books_and_prices_from_their_time_on(
    tollgate: Tollgate, tmp_path: Path, now_ms: int
) -> None:
    second_ms = now_ms // 1000 * 1000
    agreed = f"""
contracts:
  - {{customer_id: kenji, effective_from: 2020-01-01T00:00:00Z, price_book: tokyo, discount_percent: "50"}}
  - {{customer_id: lena, effective_from: {format_instant(second_ms)},
      prices: {{mms.outbound: {{model: per_unit, unit_price: "0.01"}}}}}}
"""
    book, contracts = tmp_path / "tokyo.yaml", tmp_path / "contracts.yaml"
    book.write_text(YEN_BOOK)
    contracts.write_text(agreed)
    published = tollgate.ok("prices", "publish", str(book), str(contracts))
    assert "kenji@2020-01-01T00:00:00Z is published" in published
    again = tollgate.run("prices", "publish", str(contracts))
    assert again.returncode == 0, "publishing the same again changes nothing"
    contracts.write_text(agreed.replace('"50"', '"60"'))
    assert tollgate.run("prices", "publish", str(contracts)).returncode == 1, "no contract replaces another"

    tollgate.produce(
        [
            usage("kenji", "k1", 90, now_ms),
            usage("kenji", "k2", 20, now_ms),
            usage("lena", "l1", 120, second_ms - 1, meter="mms.outbound"),  # 20 are free
            usage("lena", "l2", 100, second_ms, meter="mms.outbound"),
        ]
    )
    tollgate.ok("wait")
    kenji = [(one["kind"], one["amount"], one["currency"]) for one in tollgate.json("records", "kenji")]
    assert kenji == [("USAGE", "90", "JPY"), ("USAGE", "10", "JPY"), ("TIER_ADJUSTMENT", "-45", "JPY")]
    lena = [(one["amount"], one["currency"], one["contracts_offset"]) for one in tollgate.json("records", "lena")]
    assert lena == [("2.2", "USD", "2"), ("1", "USD", "2")]
    shown = tollgate.ok("prices", "show")
    assert "tokyo@1" in shown
    assert "contract of kenji from 2020-01-01T00:00:00Z, book tokyo" in shown
    assert "verified" in tollgate.ok("verify")
