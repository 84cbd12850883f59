"""The demo customers: who they are, what their numbers are, and what they do when called.

Numbers are valid Polish ones of the kind that look nobody's (+48 22 100 00 .., +48 500 000 1..); nothing here leaves the machine.
"""

import enum
import re
from dataclasses import dataclass

from telephony.lab.sdp import Law

DEMO_NUMBER = "+48221000000"  # the demo project's number at the product
DEMO_CALLER_ID = DEMO_NUMBER
HANDSET_NUMBER = "+48500000150"  # `callcenter handset` without --as
_HANDSETS = re.compile(r"\+485000001[5-9]\d")  # numbers handsets may register with besides the customers'


class Behaviour(enum.StrEnum):
    """What a customer does when called."""

    ANSWERS = "answers"  # rings for a moment, answers, speaks, then echoes
    SLOW = "slow"  # answers after 8 seconds
    BRIEF = "brief"  # answers and hangs up after 10 seconds
    ANNOUNCEMENT = "announcement"  # early media: the network speaks before the customer answers
    BUSY = "busy"  # 486
    SILENT = "silent"  # rings and never answers
    REJECTS = "rejects"  # 603
    TROUBLE = "trouble"  # 503: the carrier cannot
    PRESSES = "presses"  # answers, listens for some seconds and presses a key (Customer.keys), then goes on as ANSWERS
    MACHINE = "machine"  # an answering machine: a long greeting, a beep, and half a minute of recording


@dataclass(frozen=True, slots=True)
class Customer:
    """A demo customer. `contacts` are the people who should stand in the address book under this number."""

    number: str
    name: str
    behaviour: Behaviour = Behaviour.ANSWERS
    organisation: str = ""
    contacts: tuple[str, ...] = ()
    withheld: bool = False
    laws: tuple[Law, ...] = ("pcma", "pcmu")
    pitch: int = 120  # of the voice, Hz
    keys: str = "1"  # what one who presses keys presses


def _known(number: str, name: str, behaviour: Behaviour, organisation: str, pitch: int, keys: str = "1") -> Customer:
    return Customer(number, name, behaviour, organisation, (name,), pitch=pitch, keys=keys)


CUSTOMERS: tuple[Customer, ...] = (
    _known("+48500000101", "Anna Kowalska", Behaviour.ANSWERS, "Piekarnia Pod Lipą", 210),
    _known("+48500000102", "Łukasz Wójcik", Behaviour.ANSWERS, "Żagle i Wiatr sp. z o.o.", 115),
    _known("+48221000012", "Katarzyna Lewandowska", Behaviour.SLOW, "Kancelaria Lewandowska", 220),
    _known("+48500000103", "Piotr Zieliński", Behaviour.BUSY, "Auto Serwis Zieliński", 110),
    _known("+48500000104", "Magdalena Szymańska", Behaviour.SILENT, "Ogrody Szymańscy", 205),
    _known("+48500000105", "Tomasz Dąbrowski", Behaviour.REJECTS, "", 118),
    _known("+48221000013", "Agnieszka Kamińska", Behaviour.BRIEF, "Księgarnia Za Rogiem", 215),
    _known("+48500000106", "Marek Jankowski", Behaviour.TROUBLE, "Stolarnia Jankowski", 105),
    _known("+48221000014", "Ewa Mazur", Behaviour.ANNOUNCEMENT, "Przychodnia Zdrowie", 200),
    Customer(
        "+48221000015",
        "Biuro Rachunkowe Bilans",
        organisation="Biuro Rachunkowe Bilans",
        contacts=("Joanna Krawczyk", "Paweł Krawczyk"),
        pitch=195,
    ),
    Customer("+48221000016", "Hurtownia Pod Dębem", organisation="Hurtownia Pod Dębem", pitch=112),  # the company's own number
    Customer("+48500000107", "Zofia Nowak", organisation="Nowak Transport", contacts=("Zofia Nowak",), laws=("pcma",), pitch=225),
    _known("+48500000110", "Barbara Pawlak", Behaviour.PRESSES, "", 208, "1"),
    _known("+48500000111", "Jan Górski", Behaviour.PRESSES, "", 122, "2"),
    _known("+48500000112", "Irena Sikora", Behaviour.PRESSES, "", 218, "9"),
    _known("+48221000017", "Stanisław Adamczyk", Behaviour.MACHINE, "Zegarmistrz Adamczyk", 108),
    Customer("+48500000108", "Somebody unknown", pitch=125),
    Customer("+48500000109", "Somebody who hides", withheld=True, pitch=130),
)


def handset_number(number: str) -> bool:
    """Whether a handset may register with this number: a customer's (it becomes their phone) or a spare one."""
    return bool(_HANDSETS.fullmatch(number)) or any(each.number == number for each in CUSTOMERS)


def normal(dialled: str) -> str:
    """Return a dialled number as +48...: carriers are sent +48..., 48..., 0048... or the national number."""
    digits = re.sub(r"[^\d+]", "", dialled)
    if digits.startswith("+"):
        return digits
    if digits.startswith("00"):
        return "+" + digits[2:]
    if re.fullmatch(r"[1-9]\d{8}", digits):
        return "+48" + digits
    if re.fullmatch(r"48\d{9}", digits):
        return "+" + digits
    return digits
