"""docs/reference/settings.md says what jobs have by default."""

import re

import pytest
from pydantic_settings import BaseSettings

from flink_jobs.settings import BalanceSettings, RatingSettings
from tollgate.settings import REPOSITORY

TEXT = (REPOSITORY / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `--([a-z-]+)` \|[^|]*\| ([0-9]+)\b", re.MULTILINE)
JOBS = {"The job's flags": RatingSettings, "The balances job's flags": BalanceSettings}


def said(heading: str) -> dict[str, int]:
    """Return the numbers of a section's table by the name of the setting."""
    section = TEXT.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return {name.replace("-", "_"): int(number) for name, number in ROW.findall(section)}


@pytest.mark.parametrize(("heading", "job"), JOBS.items(), ids=list(JOBS))
def test_numbers_are_those_of_the_code(heading: str, job: type[BaseSettings]) -> None:
    numbers = {name: one.default for name, one in job.model_fields.items() if type(one.default) is int}
    assert len(numbers) > 2
    assert {name: said(heading).get(name) for name in numbers} == numbers
