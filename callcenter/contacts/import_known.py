"""What rows of a file may refer to, read once for a whole file: words of dictionaries, fields of one's own, users."""

from dataclasses import dataclass, field

from sqlalchemy import select

from callcenter.actor import Role
from callcenter.contacts import text
from callcenter.contacts.field_models import DICTIONARIES, CustomField, CustomOption, DictionaryEntry
from callcenter.contacts.import_mapping import Mapping
from callcenter.contacts.models import ACCOUNT_TYPES
from callcenter.contacts.rights import Extent, creatable_type, extent
from callcenter.db import UnitOfWork
from callcenter.errors import NotPermitted
from callcenter.users.models import User


@dataclass(frozen=True, slots=True)
class Field:
    """A field of one's own; `options`: what may be chosen, folded, and its id."""

    id: int
    name: str
    kind: str
    options: dict[str, int] = field(default_factory=dict)
    required: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """Ids by folded word, of each dictionary; fields by key; users by login; the account types the importer may make.

    `manager_id`: whoever imports, when of one of these types they change only their own; they then manage all they bring in.
    """

    words: dict[str, dict[str, int]]
    custom: dict[str, Field]
    users: dict[str, int]
    types: tuple[str, ...]
    type: str
    manager_id: int | None

    @property
    def headings(self) -> dict[str, str]:
        """Return the key of each field of one's own by its name and by its key, folded."""
        return {text.fold(each.name): key for key, each in self.custom.items()} | {key: key for key in self.custom}


async def read(uow: UnitOfWork, mapping: Mapping) -> Known:
    """Return what is known now; raises NotPermitted when the actor may not make such accounts, or not add words."""
    types = tuple(each for each in ACCOUNT_TYPES if extent(uow.actor, each, change=True))
    wanted = mapping.type or creatable_type(uow.actor)
    if wanted not in types:
        raise NotPermitted("Your account roles do not allow this kind of account.")
    if mapping.words == "add":
        uow.actor.require(Role.ADMINISTRATOR)
    only_managed = any(extent(uow.actor, each, change=True) == Extent.MANAGED for each in types)
    own = uow.actor.user_id if only_managed else None
    return Known(await _words(uow), await _fields(uow), await _users(uow), types, wanted, own)


async def _words(uow: UnitOfWork) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {kind: {} for kind in DICTIONARIES}
    query = select(DictionaryEntry.kind, DictionaryEntry.folded, DictionaryEntry.id).where(DictionaryEntry.retired_at.is_(None))
    for kind, folded, entry_id in await uow.session.execute(query):
        found[kind][folded] = entry_id
    return found


async def _fields(uow: UnitOfWork) -> dict[str, Field]:
    query = select(CustomField).where(CustomField.retired_at.is_(None)).order_by(CustomField.place, CustomField.id)
    found = {
        each.id: (each.key, Field(each.id, each.name, each.kind, required=each.required))
        for each in await uow.session.scalars(query)
    }
    options = select(CustomOption.field_id, CustomOption.folded, CustomOption.id).where(CustomOption.retired_at.is_(None))
    for field_id, folded, option_id in await uow.session.execute(options):
        if field_id in found:
            found[field_id][1].options[folded] = option_id
    return dict(found.values())


async def _users(uow: UnitOfWork) -> dict[str, int]:
    query = select(User.login, User.id).where(User.disabled_at.is_(None))
    return {text.fold(login): user_id for login, user_id in await uow.session.execute(query)}
