"""The demo's data: what a stranger finds, so that nothing there is empty."""

import asyncio
from pathlib import Path

from sqlalchemy import func, select

from callcenter.config import Settings
from callcenter.contacts.field_models import DICTIONARIES, DictionaryEntry
from callcenter.contacts.models import Contact, ContactTag
from callcenter.db import Database
from callcenter.main import demo, schema


def test_people_have_words_to_choose_from_and_customers_have_some(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, demo=True, _env_file=None)
    schema.migrate(settings, "head")
    demo.seed(settings, print)
    demo.seed(settings, print)  # a second start adds nothing

    async def found() -> tuple[set[str], int, int, int]:
        database = Database(settings.sqlalchemy_url, settings=settings)
        async with database.reading() as uow:
            kinds = set(await uow.session.scalars(select(DictionaryEntry.kind)))
            words = await uow.session.scalar(select(func.count()).select_from(DictionaryEntry)) or 0
            bare = await uow.session.scalar(select(func.count()).where(Contact.stage_id.is_(None))) or 0
            tagged = await uow.session.scalar(select(func.count()).select_from(ContactTag)) or 0
        await database.close()
        return kinds, words, bare, tagged

    kinds, words, bare, tagged = asyncio.run(found())
    assert kinds == set(DICTIONARIES)
    assert (words, bare) == (21, 0)
    assert tagged > 0
