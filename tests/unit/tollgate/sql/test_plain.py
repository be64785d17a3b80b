from datetime import date, datetime
from decimal import Decimal

from pyflink.table import DataTypes

from tollgate.sql.plain import plain


def test_amounts_are_text_as_on_the_wire() -> None:
    money = DataTypes.DECIMAL(38, 12)
    assert plain(Decimal("12.340000000000"), money) == "12.34"
    assert plain(Decimal("1000.000000000000"), money) == "1000"
    assert plain(Decimal("0E-12"), money) == "0"
    assert plain(Decimal("99999999999999999999999999.000000000001"), money) == "99999999999999999999999999.000000000001"


def test_messages_keep_the_names_of_their_fields() -> None:
    kind = DataTypes.ARRAY(
        DataTypes.ROW([DataTypes.FIELD("id", DataTypes.STRING()), DataTypes.FIELD("n", DataTypes.BIGINT())])
    )
    assert plain([("a", 1), ("b", None)], kind) == [{"id": "a", "n": 1}, {"id": "b", "n": None}]


def test_maps_bytes_and_times() -> None:
    assert plain({"a": b"\xff"}, DataTypes.MAP(DataTypes.STRING(), DataTypes.BYTES())) == {"a": "/w=="}
    moment = datetime(2026, 11, 1, 12, 0, 0, 250_000)  # noqa: DTZ001 - as PyFlink gives it
    assert plain(moment, DataTypes.TIMESTAMP_LTZ(3)) == "2026-11-01T12:00:00.250Z"
    assert plain(moment, DataTypes.TIMESTAMP(3)) == "2026-11-01 12:00:00.250000"
    assert plain(date(2026, 11, 1), DataTypes.DATE()) == "2026-11-01"
