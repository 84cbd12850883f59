"""What a User-Agent header says in words: which browser on which system, so that people recognise their own sessions."""

import re

_BROWSERS = (  # the first that is named counts: everybody claims to be Mozilla, most to be Chrome and Safari, too
    ("Edge", r"Edg(?:e|A|iOS)?/"),
    ("Opera", r"OPR/|Opera"),
    ("Samsung Internet", r"SamsungBrowser/"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chrome", r"Chrome/|HeadlessChrome/|CriOS/|Chromium/"),
    ("Safari", r"Safari/"),
    ("curl", r"^curl/"),
    ("Python", r"^python-(?:httpx|requests|urllib)"),
)
_SYSTEMS = (
    ("Android", r"Android"),
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Windows", r"Windows"),
    ("macOS", r"Mac OS X|Macintosh"),
    ("ChromeOS", r"CrOS"),
    ("Linux", r"Linux"),
)


def browser(agent: str) -> str:
    """Return the browser's name, "" when it is none we know."""
    return _first(_BROWSERS, agent)


def system(agent: str) -> str:
    """Return the operating system or device, "" when it is not said."""
    return _first(_SYSTEMS, agent)


def _first(known: tuple[tuple[str, str], ...], agent: str) -> str:
    return next((name for name, pattern in known if re.search(pattern, agent)), "")
