"""Contracts and several price books, published to the running job."""

from pathlib import Path

from billing.instants import format_instant, parse_instant
from tests.integration.conftest import Tollgate, usage
from tollgate.settings import REPOSITORY

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
    read = str(sum(1 for _ in tollgate.context.log.read("pricing.contracts")))
    assert lena == [("2.2", "USD", read), ("1", "USD", read)]
    shown = tollgate.ok("prices", "show")
    assert "tokyo@1" in shown
    assert "contract of kenji from 2020-01-01T00:00:00Z, book tokyo" in shown
    assert "verified" in tollgate.ok("verify")


def test_the_example_book_of_the_contract_rates_whom_a_contract_sends_to_it(
    tollgate: Tollgate, tmp_path: Path, now_ms: int
) -> None:
    example = REPOSITORY / "conf" / "price_books" / "standard.yaml"
    agreed = tmp_path / "stan.yaml"
    agreed.write_text("customer_id: stan\neffective_from: 2026-11-01T00:00:00Z\nprice_book: standard\n")
    tollgate.ok("prices", "publish", str(example), str(agreed))
    used = [usage("stan", "s1", 1150, now_ms), usage("stan", "s2", 1500, now_ms, meter="api.calls")]
    tollgate.produce([*used, usage("stan", "s3", 1, now_ms, meter="voice")])
    tollgate.ok("wait")
    lines = [(one["meter"], one["amount"], one["price_book"]["id"]) for one in tollgate.json("records", "stan")]
    # 100 free, 1000 at 0.0079, 50 at 0.0070 and the tier's fee of 1.00; two started packages at 0.40;
    # from the 20th to the 30th of November the promotion `nov` takes 10 % off.
    in_nov = parse_instant("2026-11-20T00:00:00Z") <= now_ms < parse_instant("2026-11-30T00:00:00Z")
    sms, calls = ("8.325", "0.72") if in_nov else ("9.25", "0.8")
    assert lines == [("sms.outbound", sms, "standard"), ("api.calls", calls, "standard")]
    letters = [one for one in tollgate.json("deadletters", "list") if one["customer_id"] == "stan"]
    assert [one["reason"] for one in letters] == ["WRONG_MEASURE"], "voice is measured by sessions"
    assert "verified" in tollgate.ok("verify")
