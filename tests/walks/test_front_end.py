"""What templates and scripts name exists; nothing needs a looser Content-Security-Policy."""

import re
from pathlib import Path

import pytest

from scripts import front_end

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "webui" / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "webui" / "static" / "app").glob("*.js"))


def test_every_icon_that_is_named_is_in_the_sprite() -> None:
    named: set[str] = set()
    for file in TEMPLATES:
        named.update(re.findall(r'\bicon\("([a-z0-9-]+)"', file.read_text()))
        named.update(re.findall(r'empty\("([a-z0-9-]+)"', file.read_text()))
    for file in SCRIPTS:
        named.update(re.findall(r'\bicon\("([a-z0-9-]+)"', file.read_text()))
    assert named
    assert named <= set(front_end.ICONS), named - set(front_end.ICONS)


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_a_template_holds_no_script_no_style_and_no_foreign_host(file: Path) -> None:
    text = file.read_text()
    assert not re.search(r"<style|\bstyle=|\bon[a-z]+=\"|javascript:|hx-on|js:", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"(src|href)=\"(https?:)?//", text)


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_a_script_writes_no_html_and_evaluates_nothing(file: Path) -> None:
    assert not re.search(r"innerHTML|insertAdjacentHTML|outerHTML\s*=|\beval\(|new Function", file.read_text())


def test_pictures_of_the_stylesheet_become_files(tmp_path: Path) -> None:
    front_end.stylesheet('a{background:url("data:image/svg+xml,%3csvg/%3e")}', tmp_path)
    css = (tmp_path / "tabler.min.css").read_text()
    assert "data:" not in css
    [picture] = (tmp_path / "img").iterdir()
    assert picture.read_text() == "<svg/>"


def test_a_missing_package_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(front_end.FrontEndError, match="Remove node_modules"):
        front_end.read(front_end.ROOT / "node_modules" / "nothing" / "here.css")
