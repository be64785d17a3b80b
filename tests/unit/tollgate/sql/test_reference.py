"""The reference names every column of every table and view."""

import re

import pytest

from tollgate.settings import REPOSITORY
from tollgate.sql.columns import readable, shown_name
from tollgate.sql.tables import MARKER, TABLES
from tollgate.sql.views import CLAUSES, PARTS

PAGE = (REPOSITORY / "docs" / "reference" / "sql.md").read_text()
COLUMNS = {table.name: [shown_name(one) for one in readable(table.descriptor)] for table in TABLES} | {
    parts.name: [*parts.owner, *(CLAUSES.get(shown_name(one), shown_name(one)) for one in readable(parts.part))]
    for parts in PARTS
}


@pytest.mark.parametrize("name", COLUMNS)
def test_every_column_is_in_the_reference(name: str) -> None:
    section = PAGE.partition(f"### `{name}`\n")[2].partition("\n#")[0]
    assert set(COLUMNS[name]) - {MARKER} <= set(re.findall(r"`(\w+)`", section))


def test_every_query_is_in_the_how_to() -> None:
    page = (REPOSITORY / "docs" / "how-to" / "ask-with-sql.md").read_text()
    queries = sorted(file.name for file in (REPOSITORY / "conf" / "sql").glob("*.sql"))
    assert len(queries) == 10
    assert [name for name in queries if f"`{name}`" not in page] == []
