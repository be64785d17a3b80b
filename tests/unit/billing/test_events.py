"""Which deliveries are of one event (identity), and whether they say the same (fingerprint)."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from billing.events import Measure, fingerprint_of, identity_of
from tests.unit.builders import usage

ids = st.text(alphabet="01:/ab", max_size=12)


@given(ids, st.integers(0, 12), st.integers(0, 12))
def test_a_text_cut_elsewhere_into_customer_and_event_id_is_another_identity(text: str, one: int, other: int) -> None:
    assume(min(one, len(text)) != min(other, len(text)))
    assert identity_of(text[:one], text[one:]) != identity_of(text[:other], text[other:])


@given(st.tuples(ids, ids), st.tuples(ids, ids))
def test_identities_agree_where_customer_and_event_id_do(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (identity_of(*one) == identity_of(*other)) == (one == other)


def test_delimiters_and_prefixes_of_other_customers_make_no_collision() -> None:
    pairs = [
        ("a", "b:c"),
        ("a:b", "c"),
        ("1:a", "b"),
        ("a", "1:ab"),
        ("", "1:ab"),
        ("ab", ""),
        ("t/a", "b"),
        ("t", "/ab"),
    ]
    assert len({identity_of(*pair) for pair in pairs}) == len(pairs)


def test_an_identity_has_128_bits_and_a_fingerprint_64() -> None:
    assert len(identity_of("zoe", "e" * 128)) == 16
    assert len(fingerprint_of(usage())) == 8


def test_a_replay_has_the_fingerprint_of_the_original() -> None:
    assert fingerprint_of(usage(replay=True)) == fingerprint_of(usage())


@pytest.mark.parametrize(
    "change",
    [
        {"meter": "call"},
        {"measure": Measure.SESSION},
        {"quantity": 2},
        {"event_time_ms": usage().event_time_ms + 1},
        {"dimensions": {"region": "eu"}},
        {"detail": "1:s"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_fingerprint_sees_every_other_field(change: dict[str, Any]) -> None:
    assert fingerprint_of(usage(**change)) != fingerprint_of(usage())


def test_the_order_of_dimensions_does_not_matter() -> None:
    one, other = {"a": "1", "b": "2"}, {"b": "2", "a": "1"}
    assert fingerprint_of(usage(dimensions=one)) == fingerprint_of(usage(dimensions=other))


def test_dimensions_that_only_look_alike_differ() -> None:
    alike = [
        {"a": "b=c"},
        {"a=b": "c"},
        {"a": "1", "b": ""},
        {"a": "1"},
        {"a": ""},
        {"a": "1", "b": "2"},
        {"a": "1b=2"},
    ]
    assert len({fingerprint_of(usage(dimensions=one)) for one in alike}) == len(alike)


def test_fields_do_not_run_into_each_other() -> None:
    one = usage(quantity=12, event_time_ms=3)
    assert fingerprint_of(one) != fingerprint_of(usage(quantity=1, event_time_ms=23))
    assert fingerprint_of(usage(meter="a", detail="")) != fingerprint_of(usage(meter="", detail="a"))


def test_a_nul_in_a_dimension_does_not_imitate_another_dimension() -> None:
    imitation = usage(dimensions={"a": "b\0\x001:c=d"})
    assert fingerprint_of(imitation) != fingerprint_of(usage(dimensions={"a": "b", "c": "d"}))


def test_a_nul_in_a_session_id_does_not_imitate_a_dimension() -> None:
    imitation = usage(measure=Measure.SESSION, detail="1:s\x001:a=b")
    assert fingerprint_of(imitation) != fingerprint_of(
        usage(measure=Measure.SESSION, detail="1:s", dimensions={"a": "b"})
    )
