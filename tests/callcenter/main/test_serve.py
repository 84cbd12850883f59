"""The watcher of the child processes."""

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from callcenter.config import Settings
from callcenter.main import processes
from callcenter.main.serve import Child


async def test_a_child_that_is_being_started_when_the_stop_comes_is_stopped_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starting, go = asyncio.Event(), asyncio.Event()

    async def start(_settings: Settings, _name: str) -> asyncio.subprocess.Process:
        starting.set()
        await go.wait()
        return await asyncio.create_subprocess_exec("sleep", "600")

    monkeypatch.setattr(processes, "start", start)
    child = Child(Settings(data_dir=tmp_path), "web", 5)
    watching = asyncio.create_task(child.watch())
    await starting.wait()
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

    async def start(_settings: Settings, _name: str) -> asyncio.subprocess.Process:
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


async def test_a_child_that_says_it_cannot_start_is_not_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(_settings: Settings, _name: str) -> asyncio.subprocess.Process:
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
