"""Which plans the demo's customers take."""

from itertools import groupby

from tollgate.demo.subscribers import changes


def test_each_customer_starts_a_plan_and_some_change_it_in_the_next_version() -> None:
    made = list(changes([f"c{number}" for number in range(5)], 1_800_000_000_000))
    versions = {name: [one.version for one in own] for name, own in groupby(made, key=lambda one: one.customer_id)}
    assert versions == {"c0": [1, 2], "c1": [1], "c2": [1], "c3": [1], "c4": [1, 2]}
    assert len({one.event_id for one in made}) == len(made)
