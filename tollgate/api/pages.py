"""The pages: files of this package, served as they are. They hold no data; their scripts ask the API for it."""

from pathlib import Path

from fastapi import APIRouter
from starlette.responses import Response

FOLDER = Path(__file__).parent / "site"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_NAMES = {"/": "customer.html", "/operations": "operations.html"}


def _files() -> dict[str, str]:
    """Return the file behind each path: nothing else in the folder, or outside, can be asked for."""
    others = {f"/site/{path.name}": path.name for path in FOLDER.iterdir() if path.suffix in _TYPES}
    return _NAMES | {path: name for path, name in others.items() if name not in _NAMES.values()}


router = APIRouter(include_in_schema=False)


def _serve(path: str, name: str) -> None:
    content = (FOLDER / name).read_bytes()
    headers = {"content-security-policy": POLICY, "cache-control": "no-cache"}

    @router.get(path)
    def page() -> Response:
        """Return the file."""
        return Response(content, headers=headers, media_type=_TYPES[Path(name).suffix])


for _path, _name in _files().items():
    _serve(_path, _name)
