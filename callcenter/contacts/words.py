"""What words to choose from have in common, of dictionaries and of fields of one's own: names, their order, their use."""

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import Select, func, select

from callcenter.contacts import text
from callcenter.contacts.field_models import CustomField, CustomOption, DictionaryEntry
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid

LONGEST_NAME = 100
MOST = 500  # words of one list: more is no list to choose from
COUNTED = 10_000  # contacts at most: exact beyond it would take longer than anybody waits

Word = TypeVar("Word", DictionaryEntry, CustomOption)
Placed = TypeVar("Placed", DictionaryEntry, CustomOption, CustomField)


def clean_name(name: str) -> str:
    """Return a name as it is kept; raises Invalid for one that is empty or too long."""
    name = " ".join(text.clean(name).split())
    if not text.fold(name) or len(name) > LONGEST_NAME:
        raise Invalid("This needs a name of at most {most} characters.", field="name", most=LONGEST_NAME)
    return name


def check_new(name: str, there: Sequence[Word]) -> str:
    """Return a new word's name as it is kept; raises Conflict when it is there already, Invalid for one word too many."""
    if len(there) >= MOST:
        raise Invalid("A list has at most {most} words.", field="name", most=MOST)
    return check_free(clean_name(name), there)


def check_free(name: str, others: Sequence[Word]) -> str:
    """Return the name; raises Conflict when one of the others has it."""
    same = next((each for each in others if each.folded == text.fold(name)), None)
    if same is None:
        return name
    if same.retired_at is not None:
        raise Conflict("{name} is in the list already, but retired. Bring it back instead.", name=same.name)
    raise Conflict("{name} is in the list already.", name=same.name)


def rename(word: Word, name: str, there: Sequence[Word]) -> None:
    """Call a word otherwise, everywhere at once."""
    name = clean_name(name)
    word.name, word.folded = check_free(name, [each for each in there if each.id != word.id]), text.fold(name)


def move(there: Sequence[Placed], moved: Placed, to: int) -> None:
    """Put one of a list (in order) at a place, counted from 1 among those in use; the retired stand at the end."""
    staying: list[Placed] = [each for each in there if each.id != moved.id and each.retired_at is None]
    staying.insert(max(0, min(to - 1, len(staying))), moved)
    staying += [each for each in there if each.id != moved.id and each.retired_at is not None]
    for n in range(len(staying)):
        staying[n].place = n + 1


async def count(uow: UnitOfWork, contacts: Select[int]) -> int:
    """Return how many rows a query of contacts' ids has, COUNTED + 1 for more than COUNTED."""
    some = contacts.limit(COUNTED + 1).subquery()
    return await uow.session.scalar(select(func.count()).select_from(some)) or 0
