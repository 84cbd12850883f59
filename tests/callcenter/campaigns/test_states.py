"""What may be done with a campaign in each state, and why it cannot start: tables."""

import datetime as dt
from typing import Any

import pytest

from callcenter.campaigns import states
from callcenter.campaigns.models import CampaignMode, CampaignState, Detection
from callcenter.campaigns.states import Situation
from callcenter.errors import Conflict

DAY = dt.date(2026, 3, 2)
FINE: dict[str, Any] = {
    "mode": CampaignMode.PROGRESSIVE,
    "today": DAY,
    "project": "Helpline",
    "trunk": "Carrier",
    "caller_id": "+48221234567",
    "verified": frozenset({"+48221234567"}),
    "company": "Acme",
    "about": "solar panels",
    "cap": 3.0,
}


@pytest.mark.parametrize(
    ("state", "action", "then"),
    [
        ("draft", "start", "running"),
        ("draft", "pause", None),
        ("draft", "resume", None),
        ("draft", "finish", None),
        ("running", "start", None),
        ("running", "pause", "paused"),
        ("running", "resume", None),
        ("running", "finish", "finished"),
        ("paused", "start", None),
        ("paused", "pause", None),
        ("paused", "resume", "running"),
        ("paused", "finish", "finished"),
        ("finished", "start", None),
        ("finished", "pause", None),
        ("finished", "resume", None),
        ("finished", "finish", None),
    ],
)
def test_each_action_in_each_state(state: str, action: str, then: str | None) -> None:
    if then is not None:
        assert states.after(state, action) == then
        return
    with pytest.raises(Conflict):
        states.after(state, action)


def test_only_a_finished_campaign_cannot_change() -> None:
    for each in CampaignState:
        if each == CampaignState.FINISHED:
            with pytest.raises(Conflict, match="finished for good"):
                states.changeable(each)
        else:
            states.changeable(each)


@pytest.mark.parametrize(
    ("otherwise", "codes"),
    [
        ({}, []),
        ({"project_enabled": False}, ["project_off"]),
        ({"trunk": None, "caller_id": ""}, ["no_trunk"]),
        ({"trunk_enabled": False}, ["trunk_off"]),
        ({"caller_id": ""}, ["no_caller_id"]),
        ({"caller_id": "+48229999999"}, ["caller_id"]),
        ({"hours": False}, ["no_hours"]),
        ({"ends_on": DAY}, []),
        ({"ends_on": DAY - dt.timedelta(days=1)}, ["ended"]),
        ({"company": ""}, ["no_opening"]),
        ({"about": ""}, ["no_opening"]),
        ({"about": "", "marketing": False}, []),
        ({"mode": CampaignMode.AGENTLESS}, ["no_message"]),
        ({"mode": CampaignMode.AGENTLESS, "message": "a.wav"}, []),
        ({"mode": CampaignMode.AGENTLESS, "message": "a.wav", "detection": Detection.CONNECT}, ["no_consultant"]),
        ({"mode": CampaignMode.AGENTLESS, "message": "a.wav", "detection": Detection.MESSAGE}, []),
        ({"detection": Detection.MESSAGE}, ["no_message"]),
        ({"detection": Detection.MESSAGE, "message": "a.wav"}, []),
        ({"detection": Detection.HANG_UP}, []),
        ({"mode": CampaignMode.POWER}, ["no_abandoned_message"]),
        ({"mode": CampaignMode.PREDICTIVE}, ["no_abandoned_message"]),
        ({"mode": CampaignMode.PREDICTIVE, "abandoned_message": "a.wav"}, []),
        ({"mode": CampaignMode.PREDICTIVE, "cap": 0.0}, []),
        ({"mode": CampaignMode.PREVIEW}, []),
        ({"leads": False, "serving": 0}, []),
        ({"asking": True}, ["not_taken_on"]),
        ({"hours": False, "company": "", "trunk_enabled": False}, ["trunk_off", "no_hours", "no_opening"]),
    ],
)
def test_why_a_campaign_cannot_start(otherwise: dict[str, Any], codes: list[str]) -> None:
    assert [each.code for each in states.obstacles(Situation(**FINE | otherwise))] == codes


@pytest.mark.parametrize(
    ("otherwise", "codes"),
    [
        ({}, []),
        ({"leads": False}, ["no_leads"]),
        ({"detection": Detection.HANG_UP}, []),
        ({"detection": Detection.HANG_UP, "mode": CampaignMode.POWER}, ["decides_soon"]),
        ({"detection": Detection.HANG_UP, "mode": CampaignMode.POWER, "decide_ms": 3500}, ["decides_late"]),
        ({"detection": Detection.HANG_UP, "mode": CampaignMode.POWER, "decide_ms": 3500, "answer_seconds": 4.0}, []),
        ({"detection": Detection.HANG_UP, "mode": CampaignMode.AGENTLESS, "keys": frozenset({"do_not_call"})}, ["decides_soon"]),
        ({"serving": 0}, ["nobody_serves"]),
        ({"mode": CampaignMode.AGENTLESS, "serving": 0, "keys": frozenset({"do_not_call"})}, []),
        ({"mode": CampaignMode.AGENTLESS, "serving": 0, "keys": frozenset({"do_not_call", "agent"})}, ["nobody_serves"]),
        ({"mode": CampaignMode.AGENTLESS, "keys": frozenset({"agent"})}, ["no_key"]),
        ({"mode": CampaignMode.POWER, "cap": 0.0}, ["one_line"]),
        ({"mode": CampaignMode.POWER}, []),
        ({"starts_on": DAY + dt.timedelta(days=1)}, ["later"]),
        ({"starts_on": DAY}, []),
    ],
)
def test_what_to_think_of_before_starting(otherwise: dict[str, Any], codes: list[str]) -> None:
    assert [each.code for each in states.warnings(Situation(**FINE | otherwise))] == codes


def test_every_reason_can_be_said_with_its_values() -> None:
    worst = Situation(CampaignMode.POWER, DAY, trunk="T", trunk_enabled=False, project_enabled=False, caller_id="1", hours=False)
    for each in (*states.obstacles(worst), *states.warnings(worst)):
        assert "{" not in each.sentence.format(**each.values)
