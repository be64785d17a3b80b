"""What `make docs` does to pages: a link that leaves this folder names the file of the checkout instead.

And to the site: it has the sample invoice as a PDF, which `make docs` has made before.
"""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

_MADE = Path(".tollgate/docs")
_SAMPLE = "reference/sample-invoice.pdf"
_LINK = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<target>(?:\.\./)+[^)\s]+)\)")


def on_files(files: Any, config: Any, **_: Any) -> Any:
    """Add what was made for the site."""
    files.append(File.generated(config, _SAMPLE, content=(_MADE / _SAMPLE).read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Return the page with each link to a file outside docs/ as text and that file's path."""
    depth = page.file.src_uri.count("/")

    def plain(link: re.Match[str]) -> str:
        target = link["target"]
        above = target.count("../")
        if above <= depth:
            return link[0]
        path = target.replace("../", "").partition("#")[0]
        return link["text"] if link["text"].strip("`") == path else f"{link['text']} (`{path}`)"

    return _LINK.sub(plain, markdown)
