"""When the web process collects its garbage."""

import pytest

from callcenter import clock
from callcenter.db import Committed
from callcenter.main import web


def test_it_is_quiet_a_moment_after_the_last_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    last = web._LastCommit()
    now += web.QUIET_SECONDS
    assert last.long_ago()
    last.note(Committed())
    assert not last.long_ago()
    now += web.QUIET_SECONDS
    assert last.long_ago()
