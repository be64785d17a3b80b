"""The pages of docs/runbooks."""

from tollgate.settings import REPOSITORY

RUNBOOKS = {page.name for page in (REPOSITORY / "docs" / "runbooks").glob("*.md")}
