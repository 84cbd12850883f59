"""Pictures that come with cards: taken as avatars by the rules of uploads, noticed where they are no good, undone."""

import base64
import io

import pytest
from PIL import Image
from sqlalchemy import func, select

from callcenter.actor import Actor, Role
from callcenter.contacts import avatars, import_queries, imports
from callcenter.contacts.import_mapping import Mapping
from callcenter.db import Database
from callcenter.files.models import File, FilePart
from tests.callcenter.contacts.people import add_person
from tests.callcenter.contacts.test_import_mapping import everybody


@pytest.fixture
async def boss(database: Database) -> Actor:
    return await add_person(database, "boss", Role.SUPERVISOR)


def card(name: str, photo: str) -> str:
    return f"BEGIN:VCARD\nVERSION:3.0\nN:{name};;;;\nFN:{name}\nEMAIL:{name}@x.pl\n{photo}\nEND:VCARD\n"


def folded(start: str, content: bytes) -> str:
    said = base64.b64encode(content).decode()
    return "\n ".join([start, *(said[at : at + 74] for at in range(0, len(said), 74))])


def picture(side: int = 40) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (side, side), "red").save(written, "PNG")
    return written.getvalue()


PHOTOS = {
    "old": "PHOTO;ENCODING=BASE64;PNG:",
    "usual": "PHOTO;ENCODING=b;TYPE=PNG:",
    "new": "PHOTO:data:image/png;base64,",
}
NO_PHOTOS = {
    "elsewhere": ("PHOTO;VALUE=uri:http://127.0.0.1/me.png", "not fetched"),
    "address": ("PHOTO:https://example.org/me.png", "not fetched"),
    "rubbish": ("PHOTO;ENCODING=b:???", "cannot be read"),
    "broken": (folded("PHOTO;ENCODING=b;TYPE=PNG:", picture()[:60]), "cannot be read"),
    "text": (folded("PHOTO;ENCODING=b;TYPE=PNG:", b"<script>alert(1)</script>"), "not a picture"),
}


async def test_pictures_of_cards_become_avatars_by_the_rules_of_uploads(database: Database, boss: Actor) -> None:
    cards = [card(name, folded(start, picture())) for name, start in PHOTOS.items()]
    cards += [card(name, photo) for name, (photo, _) in NO_PHOTOS.items()] + [card("none", "PHOTO:")]
    done = await imports.run_import(database, boss, "".join(cards).encode(), "people.vcf")
    assert (done.state, done.applied, done.rejected, done.notices) == ("done", 9, 0, 5)
    made = {each.name: each for each in await everybody(database)}
    for name in PHOTOS:
        _, content = await avatars.read(database, boss, made[name].id)
        with Image.open(io.BytesIO(content)) as drawn:
            assert (drawn.format, drawn.size) == ("WEBP", (avatars.SIDE, avatars.SIDE))
    assert [name for name, each in made.items() if each.avatar_id is None] == [*NO_PHOTOS, "none"]
    async with database.reading(boss) as uow:
        said = [sentence for _, sentence in await import_queries.notices(uow, done.id)]
    for sentence, (_, why) in zip(said, NO_PHOTOS.values(), strict=True):
        assert sentence.startswith("The picture of this card was left out. ")
        assert why in sentence
    await imports.undo(database, boss, done.id)
    async with database.reading() as uow:
        assert await uow.session.scalar(select(func.count()).select_from(File)) == 0
        assert await uow.session.scalar(select(func.count()).select_from(FilePart)) == 0


async def test_a_card_gives_who_is_there_a_picture_only_where_there_is_none(database: Database, boss: Actor) -> None:
    has, bare = [
        (card(name, folded(PHOTOS["usual"], picture())) if name == "has" else card(name, "")) for name in ("has", "bare")
    ]
    await imports.run_import(database, boss, (has + bare).encode(), "people.vcf")
    before = {each.name: each.avatar_id for each in await everybody(database)}
    again = card("has", folded(PHOTOS["usual"], picture(50))) + card("bare", folded(PHOTOS["usual"], picture()))
    filled = await imports.run_import(database, boss, again.encode(), "more.vcf", mapping=Mapping(duplicates="update"))
    assert (filled.applied, filled.updated) == (0, 2)
    after = {each.name: each.avatar_id for each in await everybody(database)}
    assert after["has"] == before["has"]
    assert after["bare"] is not None
    bad = card("bare", NO_PHOTOS["broken"][0])
    broken = await imports.run_import(database, boss, bad.encode(), "bad.vcf", mapping=Mapping(duplicates="update"))
    async with database.reading(boss) as uow:
        [(_, said)] = await import_queries.notices(uow, broken.id)
    assert "filled in. The picture of this card was left out. " in said
    await imports.undo(database, boss, filled.id)
    assert {each.name: each.avatar_id for each in await everybody(database)} == before
