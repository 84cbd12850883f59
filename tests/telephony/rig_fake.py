"""The stories' rig over FakePhone."""

from callcenter.phone import ConfigureTrunks, LinkUp, PortRole, TwilioConfig, Way
from callcenter.phone_fake import FakePhone, Outcome
from tests.telephony.rig import TRUNK, Disturbance, Rig

CONFIG = TwilioConfig(TRUNK, "fake", "AC", "", public_url="", stream_url="")  # one that carries text messages


class FakeCustomer:
    """A customer of FakePhone. What it saw is kept when the leg is gone."""

    def __init__(self, phone: FakePhone, leg_id: str) -> None:
        self._phone = phone
        self.leg_id = leg_id
        self._leg = phone.legs[leg_id]

    @property
    def answered(self) -> bool:
        return self._leg.state == "answered"

    @property
    def ended(self) -> bool:
        return self.leg_id not in self._phone.legs

    @property
    def digits(self) -> str:
        return self._leg.digits

    def hears(self) -> str:
        if self._leg.announcement is not None:
            return "announcement"
        for members in self._phone.bridges.values():
            if any(each.id == self.leg_id for each in members):
                agents = [each for each in members if each.role is PortRole.AGENT or each.way is Way.BARGE]
                return "agent" if any(each.id in self._phone.stations for each in agents) else "music"
        return str(self._leg.sound)

    def answer(self) -> None:
        self._phone.customer_answers(self.leg_id)

    def hang_up(self) -> None:
        self._phone.customer_hangs_up(self.leg_id)

    def press(self, digits: str) -> None:
        self._phone.customer_presses(self.leg_id, digits)


class FakeRig(Rig):
    """FakePhone, consumed as the real one is."""

    phone: FakePhone

    async def open(self) -> None:
        self.phone = FakePhone()
        self.consume()
        await self.event(LinkUp)
        self.send(ConfigureTrunks((CONFIG,)))

    async def close(self) -> None:
        await self.stop_consuming()

    def customer_calls(self, number: str, dialled: str) -> FakeCustomer:
        return FakeCustomer(self.phone, self.phone.customer_calls(number, dialled, trunk_id=TRUNK))

    def when_called(self, number: str, outcome: Outcome) -> None:
        self.phone.when_called(number, outcome)

    def dialled(self, number: str) -> FakeCustomer:
        legs = [leg for leg in self.phone.legs.values() if leg.direction == "outbound" and leg.number == number]
        return FakeCustomer(self.phone, legs[-1].leg_id)

    def disturb(self, how: Disturbance) -> None:
        pass

    def customer_texts(self, number: str, dialled: str, text: str) -> str:
        return self.phone.text_arrives(number, dialled, text, trunk_id=TRUNK)

    def keep_announcement(self, name: str, milliseconds: int) -> None:
        self.phone.announcements[name] = milliseconds

    def damage_announcement(self, name: str) -> None:
        self.phone.announcements.pop(name, None)

    def let_announcement_play(self, leg_id: str, milliseconds: int | None = None) -> None:
        self.phone.announcement_plays(leg_id, milliseconds)

    def alive(self) -> set[str]:
        return set(self.phone.legs)

    async def link_down(self) -> None:
        self.phone.link_down()

    async def link_up(self) -> None:
        self.phone.link_up()

    async def restart_web(self) -> None:
        self.phone.link_down()
        await self.stop_consuming()
        self.phone.link_up()
        self.consume()

    async def restart_switch(self) -> None:
        self.phone.restart()
        self.send(ConfigureTrunks((CONFIG,)))
