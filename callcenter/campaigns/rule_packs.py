"""Dated rule packs: what holds for campaigns in a country, what of it is law (with its source) and what a house rule.

No legal advice: a pack is data people wrote down from the sources it names, and is as good as they are. A campaign may be
stricter than its pack in everything, never laxer (`check`).
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from callcenter.campaigns import pack_pl, pack_us
from callcenter.campaigns.hours import parse, within
from callcenter.campaigns.rules import Pack, Standing
from callcenter.errors import Conflict, Invalid

_PACKS = {each.key: each for each in (pack_pl.PACK, pack_us.PACK)}


def find(key: str) -> Pack:
    """Return a pack; raises Invalid (rule_pack) for one that is not there."""
    pack = packs().get(key)
    if pack is None:
        raise Invalid("There is no rule pack {key}.", field="rule_pack", key=key[:20])
    return pack


def packs() -> dict[str, Pack]:
    """Return all packs by their keys, which are country codes."""
    return dict(_PACKS)


def narrowed(standing: Standing, hours: Mapping[str, Any], cap: float | None) -> Standing:
    """Return what holds for a campaign with its own hours and cap; they only ever narrow what the pack says."""
    own = parse(hours) if hours else standing.hours
    lowest = standing.cap if cap is None else min(cap, standing.cap)
    return replace(standing, hours=within(standing.hours, own), cap=lowest)


def check(key: str, day: dt.date, *, hours: Mapping[str, Sequence[Any]], cap: float | None, ring_seconds: int) -> None:
    """Refuse what is laxer than the pack: raises Invalid with its field (rule_pack, hours, abandon_cap, ring_seconds)."""
    standing = find(key).at(day)
    if cap is not None and not 0 <= cap <= standing.cap:
        raise Invalid(
            "The rules of {pack} allow {cap} % abandoned calls at most. Less can be chosen, more cannot.",
            field="abandon_cap",
            pack=key,
            cap=f"{standing.cap:g}",
        )
    if ring_seconds < standing.ring_seconds:
        raise Invalid(
            "The rules of {pack} let it ring for at least {seconds} seconds.",
            field="ring_seconds",
            pack=key,
            seconds=standing.ring_seconds,
        )
    if not hours:
        return
    own = parse(hours)
    if within(standing.hours, own) != own:
        raise Invalid("These hours are longer than the rules of {pack} allow.", field="hours", pack=key)
    if not any(own):
        raise Invalid("With these hours nobody would ever be called.", field="hours")


def same(before: str, after: str, *, running: bool) -> None:
    """Refuse to change the pack of a campaign that runs: what was dialled and counted was under the other."""
    if before != after and running:
        raise Conflict("Pause the campaign before you choose other rules for it.")
