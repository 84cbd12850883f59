"""Trunks as the administrator configures them."""

import datetime as dt
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base


class Trunk(Base):
    """A SIP connection to a carrier; field meanings are those of phone.TrunkConfig. The password is encrypted at rest.

    `caller_ids` are the E.164 numbers verified for it; `emergency` marks the trunk emergency calls leave on.
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
    state: Mapped[str] = mapped_column(default="unknown")
    state_detail: Mapped[str] = mapped_column(default="")  # a sentence, with the values below
    state_values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state_at: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime]
