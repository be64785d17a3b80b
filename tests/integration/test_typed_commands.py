"""Commands that the pages tell people to type, and that no other test runs on a stack."""

from pathlib import Path

import pytest

from tests.integration.conftest import BOOK, Tollgate, usage


def test_a_price_change_is_tried_before_it_counts(tollgate: Tollgate, tmp_path: Path, now_ms: int) -> None:
    """docs/how-to/try-a-price-change.md, publish-prices.md."""
    tollgate.produce([usage("tried", "e1", 100, now_ms)])
    tollgate.ok("wait")
    draft = tmp_path / "draft.yaml"
    draft.write_text(BOOK.read_text(encoding="utf-8").replace("version: 1", "version: 2").replace("0.0079", "0.0158"))
    assert "draft.yaml: " in tollgate.ok("prices", "validate", str(draft))
    differ = tollgate.run("prices", "diff", "bench@1", str(draft))
    assert (differ.returncode, "0.0079 becomes 0.0158" in differ.stdout) == (1, True), "as diff(1) has it"
    assert "0.79 USD" in tollgate.ok("quote", "sms.outbound", "100", "--customer", "tried")
    picture = tmp_path / "change.svg"
    period = "--from", "2026-11-01T00:00:00Z", "--to", "2027-12-01T00:00:00Z"
    simulated = tollgate.ok("prices", "simulate", str(draft), *period, "--top", "0", "--picture", str(picture))
    assert "tried" in simulated
    assert picture.read_text(encoding="utf-8").startswith("<svg")


def test_snapshots_of_a_crm_become_events(tollgate: Tollgate, tmp_path: Path) -> None:
    """docs/how-to/run-subscriptions.md; the events go to a stack in `test_subscriptions`."""
    header = "customer_id,subscription_id,plan,quantity\n"
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    old.write_text(header)
    new.write_text(header + "zoe,s1,basic,1\n")
    lines = tollgate.ok("subscriptions", "diff", str(old), str(new), "--after-log").splitlines()
    assert len(lines) == 1
    assert '"START"' in lines[0]


def test_the_rights_that_servers_have_to_give_are_printed(tollgate: Tollgate) -> None:
    """docs/how-to/secure-a-deployment.md; with real servers in `test_secure_kafka` and `test_redis_access`."""
    assert "--operation Write" in tollgate.ok("acl", "kafka", "--user", "tollgate-usage-rating")
    assert "user tollgate-writer on" in tollgate.ok("acl", "redis")


def test_a_key_that_is_removed_is_gone(tollgate: Tollgate) -> None:
    """docs/how-to/serve-balances.md."""
    tollgate.ok("api", "keys", "add", "--name", "shop", "--tenant", "north")
    tollgate.ok("api", "keys", "remove", "shop")
    assert "shop" not in tollgate.ok("api", "keys", "list")


@pytest.mark.parametrize(
    ("options", "said"), [(("--invoices", "1000"), "invoices/s"), (("--core",), "encode the record")]
)
def test_what_the_bench_measures_without_a_stack(tollgate: Tollgate, options: tuple[str, ...], said: str) -> None:
    """docs/explanation/speed.md; benchmarks on a stack are commands for people, and take many minutes."""
    assert said in tollgate.ok("bench", *options)
