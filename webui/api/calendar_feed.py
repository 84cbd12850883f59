"""The address at which one's own phone meetings can be subscribed to."""

import datetime as dt

from pydantic import BaseModel
from starlette.requests import Request

from callcenter.db import UnitOfWork
from callcenter.errors import NotFound
from callcenter.users import feeds
from webui import security
from webui.openapi import operation, routes_of


class CalendarFeedOut(BaseModel):
    """The secret address; it is told only now."""

    url: str
    created_at: dt.datetime


@operation("POST", "/me/calendar-feed", "createCalendarFeed", status=201)
async def create_calendar_feed(uow: UnitOfWork, request: Request) -> CalendarFeedOut:
    """Make the secret address of one's calendar; the one before opens nothing any more."""
    secret = await feeds.create_feed(uow)
    return CalendarFeedOut(url=security.calendar_url(request, secret), created_at=uow.now)


@operation("DELETE", "/me/calendar-feed", "revokeCalendarFeed", errors=(NotFound,))
async def revoke_calendar_feed(uow: UnitOfWork) -> None:
    """Make one's calendar address open nothing any more."""
    await feeds.revoke_feed(uow)


ROUTES = routes_of(__name__)
