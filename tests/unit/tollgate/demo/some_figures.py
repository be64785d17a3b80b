"""Figures of a demo that has run for a while: long texts and large numbers everywhere."""

from tollgate.demo.figures import BalanceRow, Checkpoint, Figures, Tier, Worker

NOW = 1000.0


def some_figures(customers: int = 20) -> Figures:
    figures = Figures(begun=NOW - 4000, wanted_rate=20_000)
    for tick in range(300):
        now = NOW - 150 + tick / 2
        figures.sent += 9_876
        figures.billed += 9_800
        figures.lag = tick * 1111
        figures.add_latency(now, 1234.5 + tick)
        figures.tick(now)
    figures.jobs = {"usage-rating": "RESTARTING", "balances": "RUNNING"}
    figures.workers = [Worker(f"taskmanager-{number}", number != 2, "") for number in range(1, 4)]
    figures.restarts = 12
    figures.checkpoint = Checkpoint(12_345, 1_700_000_000_000, 345_600_000, 12_345)
    figures.balances = [
        BalanceRow(f"a-tenant-with-a-long-name/customer-{number}", "USD", "1234567.123456789012", "1234566.1", 12_345)
        for number in range(customers)
    ]
    figures.tiers = [Tier("data.transfer.of.a.long.name", "0.000000123", 12_345) for _ in range(5)]
    figures.promotions = {"a-promotion-with-a-long-name": 2000}
    figures.dead_letters.update({"CONFLICTING_DUPLICATE": 12, "RETRACTION_UNKNOWN_EVENT": 7, "TOO_OLD": 3})
    for _ in range(5):
        figures.note("something with a very long text " * 8)
    return figures
