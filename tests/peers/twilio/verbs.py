"""Obeys TwiML: one document after another, until the call ends."""

import asyncio
import wave
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp

from tests.peers.twilio import sound
from tests.peers.twilio.resources import now, rfc2822
from tests.peers.twilio.stream import MediaStream
from tests.peers.twilio.twiml import Verb

if TYPE_CHECKING:
    from tests.peers.twilio.call import PeerCall

INVALID_URL = 11100
Document = list[Verb]


class Runner:
    """Obeys documents for one call."""

    def __init__(self, call: "PeerCall") -> None:
        self.call = call

    async def run(self, document: Document | None) -> None:
        """Obey until there is nothing more to do, then hang up."""
        while document is not None and not self.call.ended:
            document = await self._document(document)
        self.call.pick_up()
        self.call.end("completed")

    async def _document(self, document: Document) -> Document | None:
        """Obey a document; returns the one that takes its place."""
        for place, verb in enumerate(document):
            if not self._waits(verb, place):
                self.call.pick_up()
            follows = await self._verb(verb)
            if follows is not None or verb.name == "Hangup" or self.call.ended:
                return follows
        return None

    def _waits(self, verb: Verb, place: int) -> bool:
        """Whether a verb is obeyed without picking up: Reject, Redirect, and Pause when it is first."""
        if verb.name == "Dial":
            return verb.get("answerOnBridge") == "true"
        if verb.name == "Redirect":
            return not self.call.peer.redirect_picks_up
        return verb.name == "Reject" or (verb.name == "Pause" and place == 0)

    async def _verb(self, verb: Verb) -> Document | None:
        """Obey a verb; returns the document that takes this one's place, if any. Hangup ends it, see _document."""
        obey = {
            "Say": self._say,
            "Play": self._play,
            "Pause": self._pause,
            "Redirect": self._redirect,
            "Reject": self._reject,
            "Gather": self._gather,
            "Dial": self._dial,
            "Connect": self._connect,
        }.get(verb.name)
        return await obey(verb) if obey is not None else None

    async def _say(self, verb: Verb) -> None:
        self.call.said.append(("Say", verb.text))

    async def _pause(self, verb: Verb) -> None:
        await asyncio.sleep(verb.seconds("length", 1) * self.call.peer.pace)

    async def _redirect(self, verb: Verb) -> Document:
        return await self.call.app.fetch(verb.text, verb.get("method", "POST"), {})

    async def _reject(self, verb: Verb) -> None:
        if self.call.answered:
            self.call.end("completed")
        else:
            self.call.end("busy" if verb.get("reason", "rejected") == "busy" else "no-answer")

    async def _play(self, verb: Verb) -> None:
        if verb.get("digits"):
            self.call.hear_keys(verb.get("digits").replace("w", "").replace("W", ""))
            return
        self.call.said.append(("Play", verb.text))
        peer = self.call.peer
        try:
            timeout = aiohttp.ClientTimeout(total=peer.webhooks.patience)
            headers = {"X-Twilio-Signature": peer.webhooks.signature(verb.text, {})}
            async with peer.webhooks.session.get(verb.text, headers=headers, timeout=timeout) as answer:
                answer.raise_for_status()
                frames = sound.read_wav(await answer.read())
        except (aiohttp.ClientError, TimeoutError, ValueError, EOFError, wave.Error) as error:
            peer.alert(11200, self.call.sid, f"HTTP retrieval failure: {verb.text} {error}")
            return
        for _ in range(int(verb.seconds("loop", 1)) or 1000):
            for frame in frames:
                self.call.hear(frame)
                await asyncio.sleep(0.02 * peer.pace)

    async def _gather(self, verb: Verb) -> Document | None:
        digits = await self._keys(verb)
        if not digits and verb.get("actionOnEmptyResult") != "true":
            return None
        return await self.call.app.fetch(verb.get("action"), verb.get("method", "POST"), {"Digits": digits, "msg": "Gather End"})

    async def _keys(self, verb: Verb) -> str:
        """Return the keys pressed until there are enough, the last one, or none for some time; a key ends the prompt."""
        digits, finish, most = "", verb.get("finishOnKey", "#"), int(verb.seconds("numDigits", 0)) or 1000
        timeout = verb.seconds("timeout", 5) * self.call.peer.pace
        while not self.call.keys.empty():
            self.call.keys.get_nowait()
        prompting = asyncio.create_task(self._prompt(verb.nested))
        key = asyncio.create_task(self.call.keys.get())
        try:
            await asyncio.wait({prompting, key}, return_when=asyncio.FIRST_COMPLETED)
            while len(digits) < most:
                await asyncio.wait({key}, timeout=timeout)
                if not key.done() or key.result() == finish:
                    break
                digits += key.result()
                key = asyncio.create_task(self.call.keys.get())
        finally:
            prompting.cancel()
            key.cancel()
        return digits

    async def _prompt(self, nested: list[Verb]) -> None:
        for each in nested:
            await self._verb(each)

    async def _connect(self, verb: Verb) -> Document | None:
        for noun in verb.nested:
            await self._stream(noun)
        if verb.get("action"):
            return await self.call.app.fetch(verb.get("action"), verb.get("method", "POST"), {})
        return None

    async def _stream(self, noun: Verb) -> None:
        call = self.call
        parts = urlsplit(noun.get("url"))
        if parts.scheme not in ("ws", "wss") or parts.query:  # Twilio takes wss alone; ours may be on this machine
            call.peer.alert(INVALID_URL, call.sid, f"Invalid URL format: {noun.get('url')}")
            return
        parameters = {each.get("name"): each.get("value") for each in noun.nested}
        stream = MediaStream(call, noun.get("url"), parameters)
        call.streams.append(stream)
        call.stream = stream
        replaying = asyncio.create_task(self._replay(stream)) if call.peer.faults.stream_twice else None
        try:
            await self._tell_stream(noun, stream, "stream-started")
            await stream.run()
        finally:
            if replaying is not None:
                replaying.cancel()
            call.stream = None
            call.peer.spawn(self._tell_stream(noun, stream, "stream-stopped"))

    async def _replay(self, stream: MediaStream) -> None:
        while not stream.opened:
            await asyncio.sleep(0.002)
        replay = MediaStream(self.call, stream.url, stream.parameters, replay=stream)
        self.call.replays.append(replay)
        await replay.run()

    async def _tell_stream(self, noun: Verb, stream: MediaStream, event: str) -> None:
        if not noun.get("statusCallback"):
            return
        told = {
            "AccountSid": self.call.account_sid,
            "CallSid": self.call.sid,
            "StreamSid": stream.sid,
            "StreamName": noun.get("name", stream.sid),
            "StreamEvent": event,
            "Timestamp": rfc2822(now()) or "",
        }
        await self.call.app.post("stream", noun.get("statusCallback"), told, noun.get("statusCallbackMethod", "POST"), bare=True)

    async def _dial(self, verb: Verb) -> Document | None:
        nouns = verb.nested or [Verb("Number", verb.text)]
        children = [self.call.peer.dial_child(self.call, noun, verb) for noun in nouns]
        self.call.children.extend(children)
        winner = await self._first_answered(children)
        for child in children:
            if child is not winner:
                child.end("canceled")
        if winner is not None:
            self.call.pick_up()
            await self._bridged(winner)
        told = winner or children[0]
        if not verb.get("action"):
            return None
        params = {"DialCallStatus": told.status, "DialCallSid": told.sid, "DialCallDuration": str(told.duration)}
        return await self.call.app.fetch(verb.get("action"), verb.get("method", "POST"), params)

    async def _first_answered(self, children: list["PeerCall"]) -> "PeerCall | None":
        while True:
            for child in children:
                if child.answered and not child.ended:
                    return child
            if all(child.ended for child in children):
                return None
            await asyncio.sleep(0.005)

    async def _bridged(self, child: "PeerCall") -> None:
        """Let the two hear each other until the child's end; the parent's end ends this."""
        while not child.ended:
            child.hear(self.call.mouth())
            self.call.hear(child.mouth())
            await asyncio.sleep(0.02)
