"""The web's part in front of the switch: it hands webhooks to it, and holds them while the switch is away for a moment."""

import asyncio
import socket
from collections.abc import Callable

from aiohttp import web

from callcenter.errors import CallCenterError, Unavailable
from callcenter.phone import Phone, Webhook, WebhookAnswer

_PATIENCE = 12.0
HOST = "127.0.0.1"


def free_port() -> int:
    """Return a TCP port nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Front:
    """An HTTP server at `url`; `phone` gives the way to the switch as it is now. `asked` keeps what came, oldest first."""

    def __init__(self, phone: Callable[[], Phone]) -> None:
        self._phone = phone
        self.asked: list[Webhook] = []
        self.answers: list[WebhookAnswer] = []
        self.url = ""
        self._runner: web.AppRunner | None = None
        self._held: set[asyncio.Transport] = set()

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/twilio/{trunk}/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        self.url = f"http://{HOST}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def drop(self) -> None:
        """Die with every request in hand, as a web process that is restarted does."""
        for transport in self._held:
            transport.abort()

    async def _take(self, request: web.Request) -> web.Response:
        form = await request.post()
        webhook = Webhook(
            int(request.match_info["trunk"]),
            request.match_info["path"],
            request.rel_url.raw_query_string,
            tuple((name, str(value)) for name, value in form.items()),
            request.headers.get("X-Twilio-Signature", ""),
        )
        self.asked.append(webhook)
        transport = request.transport
        assert transport is not None
        self._held.add(transport)
        try:
            answer = await self._ask(webhook)
        finally:
            self._held.discard(transport)
        self.answers.append(answer)
        return web.Response(status=answer.status, text=answer.body, content_type=answer.content_type)

    async def _ask(self, webhook: Webhook) -> WebhookAnswer:
        until = asyncio.get_running_loop().time() + _PATIENCE
        while True:
            try:
                reply = await self._phone().ask(webhook, timeout=_PATIENCE + 1)
            except Unavailable:
                if asyncio.get_running_loop().time() > until:
                    return WebhookAnswer(503)
                await asyncio.sleep(0.02)
            except CallCenterError as error:
                return WebhookAnswer(error.status)
            else:
                assert isinstance(reply, WebhookAnswer)
                return reply
