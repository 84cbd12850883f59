"""A carrier of our own on a raw UDP socket, whose customers call the whole product: SIP written by hand, tones as RTP."""

import asyncio
import audioop
import math
import random
import re
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.telephony.sip.peer import Message, Peer, sdp
from tests.walks.consultant import RATE, loudest
from tests.walks.whole import PROJECT_NUMBER, Product, until

Address = tuple[str, int]
HOST = "127.0.0.1"


class Carrier(Peer):
    """A far end that answers what any carrier answers by itself: OPTIONS, and BYE of a call."""

    def __init__(self) -> None:
        super().__init__()
        self.ears: list[Ear] = []

    @classmethod
    async def at(cls, product: Product, host: str = HOST) -> "Carrier":
        """Open one that sends to the product."""
        _, carrier = await asyncio.get_running_loop().create_datagram_endpoint(cls, local_addr=(host, 0))
        carrier.target = (HOST, product.sip_port)
        return carrier

    def datagram_received(self, data: bytes, addr: Any) -> None:
        super().datagram_received(data, addr)
        message = self.arrived[-1]
        if message.method in ("OPTIONS", "BYE"):
            self.transport.sendto(self.response(message, 200, "OK").encode(), addr)

    def close(self) -> None:
        """Close its sockets and its customers'."""
        super().close()
        for ear in self.ears:
            ear.close()

    def of(self, call_id: str) -> list[Message]:
        """Return what came for a call, in order."""
        return [each for each in self.arrived if each.get("call-id") == call_id]

    async def answers(self) -> None:
        """Wait until the product answers an OPTIONS: the SIP thread lives and works through what it was sent."""
        call_id = f"alive-{random.getrandbits(64):x}"

        async def answered() -> bool:
            self.send(self.request("OPTIONS", call_id=call_id))  # repeated, as UDP wants: a burst may have pushed it out
            await asyncio.sleep(0.1)
            return any(each.code == 200 for each in self.of(call_id))

        await until("an answer to OPTIONS", answered)


class Ear(asyncio.DatagramProtocol):
    """The audio of a customer in PCMA: hums a tone towards `target`, keeps what it hears."""

    def __init__(self, hertz: float) -> None:
        self.hertz = hertz
        self.target: Address | None = None
        self.heard: list[np.ndarray[Any, Any]] = []
        self.transport: Any = None
        self.ssrc = random.getrandbits(32)
        self._humming: asyncio.Task[None] | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._humming = asyncio.get_running_loop().create_task(self._hum())

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if len(data) > 12 and data[1] & 0x7F in (0, 8):
            convert = audioop.alaw2lin if data[1] & 0x7F == 8 else audioop.ulaw2lin
            self.heard.append(np.frombuffer(convert(data[12:], 2), np.int16))

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.transport.get_extra_info("sockname")[1])

    async def _hum(self) -> None:
        loop = asyncio.get_running_loop()
        began, n = loop.time(), 0
        while True:
            await asyncio.sleep(max(0.0, began + n * 0.02 - loop.time()))
            if self.target is not None:
                self.transport.sendto(self.packet(n), self.target)
            n += 1

    def packet(self, n: int) -> bytes:
        """Return the n-th RTP packet of the tone."""
        times = np.arange(n * 160, n * 160 + 160) / RATE
        samples = (np.sin(2 * math.pi * self.hertz * times) * 8000).astype(np.int16).tobytes()
        header = struct.pack("!BBHII", 0x80, 8, n & 0xFFFF, (n * 160) & 0xFFFFFFFF, self.ssrc)
        return header + audioop.lin2alaw(samples, 2)

    def close(self) -> None:
        if self._humming is not None:
            self._humming.cancel()
        self.transport.close()


class Customer:
    """One call of a customer through a carrier. `call_id` is the SIP Call-ID."""

    def __init__(self, carrier: Carrier, ear: Ear, invite: str) -> None:
        self.carrier = carrier
        self.ear = ear
        self.invite = Message(invite, carrier.target)
        self.call_id = self.invite.get("call-id")
        self.answer: Message | None = None

    @classmethod
    async def rings(
        cls,
        carrier: Carrier,
        *,
        number: str = "+48600100200",
        dialled: str = PROJECT_NUMBER,
        headers: Mapping[str, str | None] | None = None,
        body: str | None = None,
        more: str = "",
        tone: float = 700.0,
    ) -> "Customer":
        """Send an INVITE; `headers` replace a plain one's (None leaves one out), `body` its description, `more` adds to that."""
        _, ear = await asyncio.get_running_loop().create_datagram_endpoint(lambda: Ear(tone), local_addr=(HOST, 0))
        carrier.ears.append(ear)
        given = {
            "From": f"<sip:{number}@{HOST}>;tag={random.getrandbits(32):x}",
            "To": f"<sip:{dialled}@{HOST}>",
            **(headers or {}),
        }
        invite = carrier.invite(
            uri=f"sip:{dialled}@{HOST}", headers=given, body=sdp("8 0 101", ear.port) + more if body is None else body
        )
        carrier.send(invite)
        return cls(carrier, ear, invite)

    async def response(self, *codes: int) -> Message:
        """Wait for a response to the INVITE with one of these codes."""

        async def found() -> Message | None:
            return next(
                (each for each in self.carrier.of(self.call_id) if each.code in codes and "INVITE" in each.get("cseq")), None
            )

        try:
            return await until(f"{codes}", found)
        except AssertionError:
            raise AssertionError(f"no {codes}, but {[each.start for each in self.carrier.of(self.call_id)]}") from None

    async def final(self) -> int:
        """Wait for the final answer, acknowledge a refusal, and return its code."""
        answer = await self.response(*range(200, 700))
        if answer.code >= 300:
            to = {"Via": self.invite.get("via"), "From": self.invite.get("from"), "To": answer.get("to"), "Call-ID": self.call_id}
            self.carrier.send(self.carrier.request("ACK", uri=self.invite.uri, headers=to))
            self.ear.close()
        return answer.code

    async def answered(self) -> None:
        """Wait for the 200, acknowledge it and hum to where it says."""
        self.answer = await self.response(200)
        self.carrier.send(self.carrier.within("ACK", self.invite, self.answer, 1))
        found = re.search(r"m=audio (\d+) ", self.answer.body)
        host = re.search(r"c=IN IP4 (\S+)", self.answer.body)
        assert found, self.answer.text
        assert host, self.answer.text
        self.ear.target = (host[1], int(found[1]))

    @property
    def audio(self) -> Address:
        """Where the product takes this call's audio."""
        assert self.ear.target is not None
        return self.ear.target

    async def hears(self, hertz: float) -> None:
        """Wait until the loudest pitch of the last half second is `hertz`."""
        del self.ear.heard[:]

        async def heard() -> bool:
            last = self.ear.heard[-25:]
            return len(last) == 25 and abs(loudest(np.concatenate(last)) - hertz) < 15

        await until(f"the customer to hear {hertz} Hz", heard)

    def cancel(self) -> None:
        """Give up while it rings."""
        same = {name: self.invite.get(name.lower()) for name in ("Via", "From", "To", "Call-ID")}
        self.carrier.send(self.carrier.request("CANCEL", uri=self.invite.uri, headers=same))

    def hang_up(self) -> None:
        """Put the telephone down in the middle of the talk."""
        assert self.answer is not None
        self.carrier.send(self.carrier.within("BYE", self.invite, self.answer, 100))
        self.ear.close()

    @property
    def hung_up_on(self) -> bool:
        """Whether the product ended the call."""
        return any(each.method == "BYE" for each in self.carrier.of(self.call_id))
