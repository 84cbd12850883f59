"""The watcher of the child processes."""

import asyncio
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from callcenter.config import Settings
from callcenter.main import heartbeat, processes
from callcenter.main.heartbeat import Pulse
from callcenter.main.serve import Child


async def test_a_child_that_is_being_started_when_the_stop_comes_is_stopped_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starting, go = asyncio.Event(), asyncio.Event()

    async def start(_settings: Settings, _name: str, _pulse: Pulse) -> asyncio.subprocess.Process:
        starting.set()
        await go.wait()
        return await asyncio.create_subprocess_exec("sleep", "600")

    monkeypatch.setattr(processes, "start", start)
    child = Child(Settings(data_dir=tmp_path), "web", 5)
    watching = asyncio.create_task(child.watch())
    await asyncio.wait_for(starting.wait(), 30)
    await child.stop()
    go.set()
    try:
        await asyncio.wait_for(watching, 30)
    finally:
        if child.process is not None and child.process.returncode is None:
            child.process.kill()
            await child.process.wait()


async def test_a_child_that_dies_is_started_again_until_the_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[asyncio.subprocess.Process] = []

    async def start(_settings: Settings, _name: str, _pulse: Pulse) -> asyncio.subprocess.Process:
        started.append(await asyncio.create_subprocess_exec("sleep", "600"))
        return started[-1]

    monkeypatch.setattr(processes, "start", start)
    child = Child(Settings(data_dir=tmp_path), "web", 5)
    watching = asyncio.create_task(child.watch())
    async with asyncio.timeout(30):
        for number in range(1, 4):
            while len(started) < number:
                await asyncio.sleep(0.01)
            started[-1].kill()
        while len(started) < 4:
            await asyncio.sleep(0.01)
        await child.stop()
        await watching
    assert [each.returncode for each in started] == [-9, -9, -9, -15]


async def test_a_child_that_shows_no_life_any_more_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[asyncio.subprocess.Process] = []

    async def start(_settings: Settings, _name: str, pulse: Pulse) -> asyncio.subprocess.Process:
        shows_life_once = f"import os, time; os.write({pulse.descriptor}, b'.'); time.sleep(600)"
        command = [sys.executable, "-c", shows_life_once]
        started.append(await asyncio.create_subprocess_exec(*command, pass_fds=[pulse.descriptor]))
        return started[-1]

    monkeypatch.setattr(processes, "start", start)
    child = Child(Settings(data_dir=tmp_path, hung_seconds=1), "web", 5)
    watching = asyncio.create_task(child.watch())
    async with asyncio.timeout(30):
        while len(started) < 2:
            await asyncio.sleep(0.01)
        await child.stop()
        await watching
    assert started[0].returncode == -9


async def test_a_child_that_shows_life_or_has_shown_none_yet_is_left_alone() -> None:
    with Pulse() as early, Pulse() as alive:
        beating = asyncio.create_task(heartbeat.beat(alive.descriptor))
        silent = [asyncio.create_task(each.silent(3)) for each in (early, alive)]
        done, _ = await asyncio.wait(silent, timeout=6)
        assert not done
        beating.cancel()
        await asyncio.wait_for(silent[1], 30)
        assert not silent[0].done()
        silent[0].cancel()


async def test_a_child_that_says_it_cannot_start_is_not_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(_settings: Settings, _name: str, _pulse: Pulse) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec("sh", "-c", f"exit {processes.CANNOT_START}")

    monkeypatch.setattr(processes, "start", start)
    child = Child(Settings(data_dir=tmp_path), "web", 5)
    await asyncio.wait_for(child.watch(), 30)
    assert child.status == processes.CANNOT_START


def test_a_child_gets_the_settings_as_they_were_given(tmp_path: Path) -> None:
    found = processes.environment(Settings(data_dir=tmp_path, demo=True, smtp_password=SecretStr("s3cret")), "web")
    given = {name: found[f"CALLCENTER_{name}"] for name in ("SMTP_PASSWORD", "DEMO", "DATA_DIR")}
    assert given == {"SMTP_PASSWORD": "s3cret", "DEMO": "True", "DATA_DIR": str(tmp_path)}
    assert "CALLCENTER_TLS_CERT" not in found
