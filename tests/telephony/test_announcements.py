"""Announcements in the switch: on a port that changes, a file read once for many, a leg that ends while it is read."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callcenter.phone import Announced
from telephony import announcements as module
from telephony.announcements import Announcement, Announcements
from telephony.media.ticker import Ticker
from tests.telephony.scripted import ScriptedPort, write_spoken
from tests.telephony.waiting import until


class Stage:
    """Announcements, and the ports of the legs they play to."""

    def __init__(self, folder: Path) -> None:
        self.ticker = Ticker()
        self.ports: dict[str, ScriptedPort] = {}
        self.playing: dict[str, Announcement] = {}
        self.over: list[str] = []
        self.announcements = Announcements(folder, self.ticker, self._play, self.over.append)

    def _play(self, leg_id: str, announcement: Announcement) -> None:
        self.playing[leg_id] = announcement
        announcement.plug(self.ports.setdefault(leg_id, ScriptedPort()))

    def heard(self, leg_id: str) -> list[str]:
        return [each.hex()[:2] for each in self.ports[leg_id].sent] if leg_id in self.ports else []


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    write_spoken(tmp_path / "sorry.wav", 400)
    stage = Stage(tmp_path)
    stage.ticker.start()
    yield stage
    stage.announcements.close()
    stage.ticker.stop()


async def test_it_goes_on_where_it_was_when_the_port_is_another_in_another_law(stage: Stage) -> None:
    stage.announcements.begin("leg", "sorry.wav")
    await until(lambda: len(stage.heard("leg")) >= 5)
    second = ScriptedPort("pcmu")
    stage.playing["leg"].plug(second)
    await until(lambda: stage.over == ["leg"])
    first, rest = stage.heard("leg"), [each.hex()[:2] for each in second.sent]
    assert set(first) == {"22"}
    assert rest.count("08") + len(first) <= 20, "it does not begin again"
    assert stage.announcements.end("leg") == Announced(400, 400)
    assert stage.announcements.end("leg") is None


async def test_a_file_is_read_once_for_all_who_hear_it_at_the_same_time(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    really = module._read

    def reads(folder: Path | None, name: str) -> module.Recording:
        read.append(name)
        return really(folder, name)

    monkeypatch.setattr(module, "_read", reads)
    for n in range(20):
        stage.announcements.begin(f"leg{n}", "sorry.wav")
        stage.announcements.begin(f"leg{n}", "sorry.wav")
    await until(lambda: len(stage.over) == 20)
    assert read == ["sorry.wav"]


async def test_a_leg_that_ends_while_the_file_is_read_is_not_played_to(stage: Stage) -> None:
    stage.announcements.begin("leg", "sorry.wav")
    assert stage.announcements.end("leg") == Announced(0, 0)
    stage.announcements.begin("other", "sorry.wav")
    await until(lambda: stage.over == ["other"])
    assert "leg" not in stage.playing


@pytest.mark.parametrize(
    "name", ["none.wav", "empty.wav", "link.wav", "../sorry.wav", "sorry.WAV", ".wav", "a/b.wav", "sorry.wav\n"]
)
async def test_what_is_no_announcement_is_over_at_once(stage: Stage, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "link.wav").symlink_to(tmp_path / "sorry.wav")
    stage.announcements.begin("leg", name)
    await until(lambda: stage.over == ["leg"])
    assert stage.playing == {}
    assert stage.announcements.end("leg") == Announced(0, 0)


async def test_a_fault_of_ours_hangs_up_too(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(folder: Path, name: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(module, "_read", fails)
    stage.announcements.begin("leg", "sorry.wav")
    await until(lambda: stage.over == ["leg"])
    await asyncio.sleep(0)
