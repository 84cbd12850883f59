"""Trunks as the administrator configures them."""

import datetime as dt
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base


class Trunk(Base):
    """A connection to a carrier. `kind`: sip, fields as in phone.TrunkConfig; twilio, as in phone.TwilioConfig.

    Secrets are encrypted at rest: the password (sip) or auth token (twilio), and the API secret. `caller_ids` are the E.164
    numbers verified for it; `emergency` marks the trunk emergency calls leave on. `minute_price` of a call that leaves and
    `daily_spend`, the most that may be spent in a day, are in ten-thousandths of the carrier's currency; 0: not counted.
    `spend_told`: the percentage of it the administrators were told of on the day `spend_told_on` (UTC, YYYY-MM-DD).
    """

    __tablename__ = "trunks"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str] = mapped_column(default="sip")
    enabled: Mapped[bool] = mapped_column(default=True)
    host: Mapped[str]
    port: Mapped[int] = mapped_column(default=5060)
    username: Mapped[str] = mapped_column(default="")
    auth_username: Mapped[str] = mapped_column(default="")
    password_sealed: Mapped[str] = mapped_column(default="")
    domain: Mapped[str] = mapped_column(default="")
    outbound_proxy: Mapped[str] = mapped_column(default="")
    register: Mapped[bool] = mapped_column(default=False)
    trusted: Mapped[bool] = mapped_column(default=False)
    allow: Mapped[list[Any]] = mapped_column(default=list)
    number_format: Mapped[str] = mapped_column(default="plus")
    number_from: Mapped[str] = mapped_column(default="request_uri")
    caller_ids: Mapped[list[Any]] = mapped_column(default=list)
    external_address: Mapped[str] = mapped_column(default="")
    rtp_ports: Mapped[str] = mapped_column(default="")
    codecs: Mapped[list[Any]] = mapped_column(default=lambda: ["pcma", "pcmu"])
    emergency: Mapped[bool] = mapped_column(default=False)
    account_sid: Mapped[str] = mapped_column(default="")
    api_key: Mapped[str] = mapped_column(default="")
    api_secret_sealed: Mapped[str] = mapped_column(default="")
    public_url: Mapped[str] = mapped_column(default="")
    stream_url: Mapped[str] = mapped_column(default="")
    api_url: Mapped[str] = mapped_column(default="")
    calls_per_second: Mapped[float] = mapped_column(default=1.0)
    machine_detection: Mapped[bool] = mapped_column(default=False)
    longest_call_seconds: Mapped[int] = mapped_column(default=0)
    minute_price: Mapped[int] = mapped_column(default=0)
    daily_spend: Mapped[int] = mapped_column(default=0)
    spend_told_on: Mapped[str] = mapped_column(default="")
    spend_told: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(default="unknown")
    state_detail: Mapped[str] = mapped_column(default="")  # a sentence, with the values below
    state_values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state_at: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime]
