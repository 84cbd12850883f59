"""A rig with a Twilio trunk."""

from collections.abc import AsyncIterator

import pytest

from tests.telephony.rig_twilio import TwilioRig


@pytest.fixture
async def rig() -> AsyncIterator[TwilioRig]:
    rig = TwilioRig()
    await rig.open()
    try:
        yield rig
    finally:
        await rig.close()
