"""Contacts with everything a list filters by, the same on SQLite and on PostgreSQL: what bench/contacts.py asks.

20,000 organisations, 200 users, 2.5 numbers a contact, names, cities, streets and words of dictionaries as uneven as in life
(the n-th most common one 1/n as often), 5 % partners, tags, managers, fields of one's own. Rows are written in bulk without
the triggers, then the index is built at once (contacts/index.py).
"""

import datetime as dt
import itertools
import random
import sqlite3
from bisect import bisect
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Engine, create_engine

from callcenter.contacts import index, index_log, organisation_terms, search, text
from callcenter.models import Base

USERS, ORGANISATIONS, STAGES, SOURCES, SEGMENTS, POSITIONS, TAGS = 200, 20_000, 8, 12, 6, 25, 40
BUSY = 1  # this contact has a long timeline
ENTRIES = 1_000
_AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_SYLLABLES = [
    "ba",
    "be",
    "bo",
    "ce",
    "da",
    "do",
    "dzi",
    "fa",
    "ga",
    "go",
    "ja",
    "ka",
    "ko",
    "ku",
    "la",
    "le",
    "lu",
    "ma",
    "mi",
    "mo",
    "na",
    "no",
    "pa",
    "pe",
    "pi",
    "po",
    "ra",
    "ro",
    "ru",
    "sa",
    "sie",
    "so",
    "ta",
    "to",
    "wa",
    "wi",
    "wo",
    "za",
    "zie",
    "zo",
]
_ENDS = ("ski", "wicz", "ak", "czyk", "a", "ek", "cka", "ński")
_FIRST = [
    "Anna",
    "Piotr",
    "Maria",
    "Krzysztof",
    "Katarzyna",
    "Andrzej",
    "Małgorzata",
    "Tomasz",
    "Agnieszka",
    "Paweł",
    "Barbara",
    "Jan",
    "Ewa",
    "Michał",
    "Krystyna",
    "Marcin",
    "Elżbieta",
    "Jakub",
    "Zofia",
    "Adam",
    "Teresa",
    "Łukasz",
    "Magdalena",
    "Marek",
    "Joanna",
    "Grzegorz",
    "Janina",
    "Mateusz",
    "Monika",
    "Wojciech",
    "Danuta",
    "Mariusz",
    "Jadwiga",
    "Dariusz",
    "Aleksandra",
    "Zbigniew",
    "Halina",
    "Jerzy",
    "Irena",
    "Maciej",
    "Beata",
    "Rafał",
    "Marta",
    "Robert",
    "Dorota",
    "Kamil",
    "Helena",
    "Jacek",
    "Karolina",
    "Dawid",
    "Grażyna",
    "Szymon",
]
_CITY = [
    "Warszawa",
    "Kraków",
    "Łódź",
    "Wrocław",
    "Poznań",
    "Gdańsk",
    "Szczecin",
    "Bydgoszcz",
    "Lublin",
    "Białystok",
    "Katowice",
    "Gdynia",
    "Częstochowa",
    "Radom",
    "Toruń",
    "Sosnowiec",
    "Rzeszów",
    "Kielce",
    "Gliwice",
    "Olsztyn",
    "Zabrze",
    "Bytom",
    "Bielsko-Biała",
    "Rybnik",
    "Opole",
    "Tychy",
    "Płock",
    "Elbląg",
    "Tarnów",
    "Chorzów",
    "Koszalin",
    "Kalisz",
]
_PROVINCE = [
    "mazowieckie",
    "małopolskie",
    "łódzkie",
    "dolnośląskie",
    "wielkopolskie",
    "pomorskie",
    "zachodniopomorskie",
    "kujawsko-pomorskie",
    "lubelskie",
    "podlaskie",
    "śląskie",
    "podkarpackie",
    "świętokrzyskie",
    "opolskie",
    "lubuskie",
    "warmińsko-mazurskie",
]


class Uneven:
    """Words of which the n-th is 1/n as common as the first."""

    def __init__(self, words: Iterable[Any]) -> None:
        self.words = list(words)
        self._shares = list(itertools.accumulate(1 / n for n in range(1, len(self.words) + 1)))

    def __call__(self, chance: random.Random) -> Any:
        """Return one of them."""
        return self.words[bisect(self._shares, chance.random() * self._shares[-1])]


def _made_up(chance: random.Random, count: int, ends: tuple[str, ...]) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        name = "".join(chance.choice(_SYLLABLES) for _ in range(chance.randrange(1, 4))) + chance.choice(ends)
        found[name.capitalize()] = None
    return list(found)


_CHANCE = random.Random(5)  # noqa: S311 - the same ones every time
FIRST = Uneven([*_FIRST, *_made_up(_CHANCE, 400, ("a", "an", "in"))])
LAST = Uneven(_made_up(_CHANCE, 20_000, _ENDS))
CITY = Uneven([*_CITY, *_made_up(_CHANCE, 1_500, ("ów", "ice", "owo", "no"))])
STREET = Uneven(_made_up(_CHANCE, 3_000, ("a", "owa", "ska")))
PREFIX = Uneven(["501", "602", "22", "603", "12", "505", "71", "61", "58", "32", "660", "788", "91", "85"])
_ENTRY = Uneven(range(25))


def entry(kind: str, n: int) -> int:
    """Return the id of the n-th word (from 0) of a dictionary."""
    return ("position", "stage", "source", "segment", "tag").index(kind) * 100 + n + 1


def fill(url: str, count: int, built: Path | None = None) -> None:
    """Make the tables and write everything into an empty database; `url` as SQLAlchemy takes it, without asyncio.

    `built`: a SQLite file of as many contacts, whose index of filters is taken over: building it is most of the work.
    """
    engine = create_engine(url)
    dialect = engine.dialect.name
    Base.metadata.create_all(engine)
    write = _write_sqlite if dialect == "sqlite" else _write_postgresql
    with _bare(engine):
        write(url, itertools.chain(_around(), _people(count)))
    with engine.begin() as connection:
        if built is None:
            index.build(connection)
        for statement in index_log.triggers(dialect):
            connection.exec_driver_sql(statement)
    if built is not None:
        write(url, _postings(built))
    if dialect != "sqlite":  # as its autovacuum does
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    engine.dispose()


@contextmanager
def _bare(engine: Engine) -> Iterator[None]:
    """Take the triggers away, and for this block the indexes: they are made faster when all is there."""
    indexes = [each for table in _FILLED for each in Base.metadata.tables[table].indexes]
    key = "ALTER TABLE contact_terms {} CONSTRAINT pk_contact_terms{}"
    with engine.begin() as connection:
        for statement in index_log.no_triggers(engine.dialect.name):
            connection.exec_driver_sql(statement)
        for each in indexes:
            each.drop(connection)
        if engine.dialect.name != "sqlite":
            connection.exec_driver_sql(key.format("DROP", ""))
    yield
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "PRAGMA cache_size=-400000" if engine.dialect.name == "sqlite" else "SET maintenance_work_mem = '256MB'"
        )
        for each in indexes:
            each.create(connection)
        if engine.dialect.name != "sqlite":
            connection.exec_driver_sql(key.format("ADD", " PRIMARY KEY (term, contact_id)"))


_FILLED = ("contacts", "numbers", "contact_tags", "contact_managers", "custom_values")  # their indexes are made afterwards
_DATED = ("users", "organisations", "contacts", "custom_values", "timeline")
Table = tuple[str, str, Iterable[tuple[Any, ...]]]


def _postings(built: Path) -> Iterator[Table]:
    connection = sqlite3.connect(built)
    yield "contact_postings", "key block bits", connection.execute("SELECT key, block, bits FROM contact_postings")
    connection.close()


def _around() -> Iterator[Table]:
    people = ((n, f"user{n}", f"User {n}", "consultant", "", "en", "Europe/Warsaw", "{}", "[]", _AT) for n in range(1, USERS + 1))
    yield "users", "id login name role password_hash language time_zone preferences accounts created_at", people
    sizes = {"position": POSITIONS, "stage": STAGES, "source": SOURCES, "segment": SEGMENTS, "tag": TAGS}
    words = ((entry(kind, n), kind, f"{kind} {n}", f"{kind} {n}", n) for kind, size in sizes.items() for n in range(size))
    yield "dictionary_entries", "id kind name folded place", words
    kinds = ((1, "remark", "text"), (2, "worth", "number"), (3, "since", "date"), (4, "interest", "choice"), (5, "vip", "yes_no"))
    yield "custom_fields", "id key name kind required place", ((n, key, key, kind, False, n) for n, key, kind in kinds)
    yield "custom_options", "id field_id name folded place", ((n, 4, f"option {n}", f"option {n}", n) for n in range(1, 9))
    columns = (
        "id name folded type email website address1 address2 postcode city province country note version created_at searchable"
    )
    named = [(n, organisation(n)) for n in range(1, ORGANISATIONS + 1)]
    searched = organisation_terms.searchable
    yield (
        "organisations",
        columns,
        ((n, name, text.fold(name), "customer", *[""] * 9, 1, _AT, searched(name)) for n, name in named),
    )
    terms = sorted((term, n) for n, name in named for term in organisation_terms.terms(name, searched(name)))
    yield "organisation_terms", "term organisation_id", terms
    yield "organisation_managers", "user_id organisation_id", ((n % 150 + 1, n) for n in range(1, ORGANISATIONS + 1, 7))


def organisation(n: int) -> str:
    """Return an organisation's name."""
    return f"{LAST.words[n % 5000]} {('Sp. z o.o.', 'SA', 'Zakład Usługowy', 'Handel')[n % 4]} {n}"


_ROW = (
    "id first_name last_name sort_name organisation_id type position_id stage_id source_id segment_id email address1 address2"
    " postcode city province country note folded created_at updated_at version"
)


def _people(count: int) -> Iterator[Table]:
    """Yield the tables of contacts in turns, so that no table's rows are all in memory."""
    for first in range(1, count + 1, 10_000):
        people = [_person(n) for n in range(first, min(first + 10_000, count + 1))]
        yield "contacts", _ROW, [each[0] for each in people]
        yield "numbers", "contact_id type raw digits e164 last_nine", [row for each in people for row in each[1]]
        yield "contact_tags", "entry_id contact_id", [(tag, each[0][0]) for each in people for tag in each[2]]
        yield "contact_managers", "user_id contact_id", [(user, each[0][0]) for each in people for user in each[3]]
        columns = "contact_id field_id option_id text folded number day"
        yield "custom_values", columns, [row for each in people for row in each[4]]
        terms = [(term, each[0][0]) for each in people for term in search.terms(each[0][3], each[0][18])]
        yield "contact_terms", "term contact_id", terms
    entries = [(BUSY, _AT + dt.timedelta(minutes=n), "note", f"Asked for an offer, {n}.", "{}") for n in range(ENTRIES)]
    yield "timeline", "contact_id at kind text data", entries


def _person(n: int) -> tuple[tuple[Any, ...], list[Any], list[int], list[int], list[Any]]:
    chance = random.Random(n)  # noqa: S311 - the same people every time
    first, last, city = FIRST(chance), LAST(chance), CITY(chance)
    of = chance.randrange(ORGANISATIONS) + 1 if chance.random() < 0.6 else None
    email = f"{text.fold(first)}.{text.fold(last)}{n % 97}@{('gmail.com', 'wp.pl', 'firma.example')[n % 3]}" if n % 10 < 7 else ""
    digits = [_number(chance) for _ in range(1 + n % 4)]  # 2.5 of them
    sort = search.sort_name(first, last)
    folded = search.folded(sort, organisation(of) if of else "", email, digits)
    town = CITY.words.index(city) if city in _CITY else chance.randrange(1_000)
    row = (
        n,
        first,
        last,
        sort,
        of,
        "partner" if n % 20 == 0 else "customer",
        entry("position", _ENTRY(chance)) if n % 2 else None,
        entry("stage", _ENTRY(chance) % STAGES),
        entry("source", _ENTRY(chance) % SOURCES),
        entry("segment", _ENTRY(chance) % SEGMENTS),
        email,
        f"ul. {STREET(chance)} {chance.randrange(1, 120)}",
        f"m. {chance.randrange(1, 60)}" if n % 3 else "",
        f"{town % 90 + 10:02d}-{chance.randrange(400):03d}",
        city,
        _PROVINCE[town % 16],
        "PL" if n % 50 else "DE",
        "",
        folded,
        _AT,
        _AT,
        1,
    )
    kinds = ("mobile", "work", "landline", "other")
    numbers = [(n, kinds[at], f"+{each}", each, f"+{each}", each[-9:]) for at, each in enumerate(digits)]
    tags = sorted({entry("tag", _ENTRY(chance)) for _ in range(n % 4)})
    managers = [5] if n % 200_000 == 7 else sorted({10 + chance.randrange(USERS - 10) for _ in range(n % 3 > 0)})
    return row, numbers, tags, managers, _custom(n, chance)


def _number(chance: random.Random) -> str:
    prefix = PREFIX(chance)
    return f"48{prefix}{chance.randrange(10 ** (9 - len(prefix))):0{9 - len(prefix)}d}"


def _custom(n: int, chance: random.Random) -> list[Any]:
    day = dt.date(2018, 1, 1) + dt.timedelta(days=chance.randrange(3_000))
    remark = f"{LAST(chance)} {CITY(chance)}"
    found: list[Any] = [(n, 2, 0, "", "", float(int(chance.lognormvariate(8, 2))), None), (n, 3, 0, "", "", None, day)]
    if n % 2:
        found.append((n, 1, 0, remark, text.fold(remark), None, None))
    if n % 3:
        found.append((n, 4, _ENTRY(chance) % 8 + 1, "", "", None, None))
    return [*found, (n, 5, 0, "", "", float(n % 7 == 0), None)]


def _write_sqlite(url: str, tables: Iterable[Table]) -> None:
    def told(value: Any) -> Any:
        if isinstance(value, dt.datetime):
            return value.strftime("%Y-%m-%d %H:%M:%S.%f")
        return str(value) if isinstance(value, dt.date) else value

    def plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(map(told, row))

    connection = sqlite3.connect(url.partition(":///")[2])
    connection.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-400000; PRAGMA temp_store=FILE")
    connection.execute("CREATE TEMP TABLE unsorted (term TEXT, contact_id INTEGER)")
    for table, columns, rows in tables:
        names = columns.replace(" ", ", ")
        marks = ", ".join("?" * len(columns.split()))
        into = "unsorted" if table == "contact_terms" else table
        told_rows = map(plain, rows) if table in _DATED else rows
        connection.executemany(f"INSERT INTO {into} ({names}) VALUES ({marks})", told_rows)  # noqa: S608 - our own names
    connection.execute("INSERT INTO contact_terms (term, contact_id) SELECT term, contact_id FROM unsorted ORDER BY 1, 2")
    connection.commit()
    connection.close()


def _write_postgresql(url: str, tables: Iterable[Table]) -> None:
    with psycopg.connect(url.replace("+psycopg", "")) as connection, connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # no foreign keys meanwhile
        for table, columns, rows in tables:
            with cursor.copy(f"COPY {table} ({columns.replace(' ', ', ')}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
