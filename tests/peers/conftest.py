"""A Twilio of our own, an app of its customer, and Twilio's client: for the tests of the peer."""

from collections.abc import AsyncIterator

import pytest
from twilio.rest import Client

from tests.peers.twilio import TwilioPeer
from tests.peers.twilio_app import OURS, App, client_of, unused


@pytest.fixture
async def peer() -> AsyncIterator[TwilioPeer]:
    """Run a peer whose time-outs are short; it must not fail itself."""
    async with TwilioPeer() as peer:
        peer.pace = 0.1
        peer.ringing_seconds = peer.detection_seconds = 0.01
        yield peer
        assert not [each for each in peer.alerts if each.code == 0]


@pytest.fixture
async def app(peer: TwilioPeer) -> AsyncIterator[App]:
    """Run the app our number leads to."""
    async with App(peer) as app:
        app.documents["out"] = "<Hangup/>"
        peer.own(OURS, voice_url=f"{app.url}/voice/in", status_callback=f"{app.url}/number", sms_url=f"{app.url}/sms")
        yield app


@pytest.fixture
async def client(peer: TwilioPeer) -> AsyncIterator[Client]:
    """Return Twilio's client."""
    client = client_of(peer)
    yield client
    await unused(client)
