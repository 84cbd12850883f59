"""The command line as scripts and tired people use it: what is wrong is said in one sentence, with exit status 1 or 2."""

import io
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from callcenter.main import cli, serve
from tests.walks.whole import free_port

PASSWORD = "correct horse battery"


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


def command(folder: Path, *arguments: str, stdin: bytes | str = b"", **environment: str) -> Done:
    """Run `callcenter ARGUMENTS` in this process on a data folder; `serve` ends where it would start its processes."""
    octets = stdin.encode() if isinstance(stdin, str) else stdin
    out, err, code = io.StringIO(), io.StringIO(), None
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder.parent)
        for name in [each for each in os.environ if each.startswith("CALLCENTER_")]:
            patch.delenv(name)
        for name, value in {"CALLCENTER_DATA_DIR": str(folder), "COLUMNS": "200", **environment}.items():
            patch.setenv(name, value)
        patch.setattr(serve, "_run", _nothing)
        patch.setattr(sys, "argv", ["callcenter", *arguments])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(octets), encoding="utf-8"))
        with redirect_stdout(out), redirect_stderr(err):
            try:
                cli.run()
            except SystemExit as end:
                code = end.code
    return Done(int(code or 0), out.getvalue(), err.getvalue())


async def _nothing(_settings: object, _say: object) -> int:
    return 0


@pytest.fixture
def bare(tmp_path: Path) -> Run:
    """Return a function that runs a command on an empty data folder."""
    return partial(command, tmp_path / "data")


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a data folder with one consultant, one project and one trunk, with the commands that make them."""
    run = partial(command, tmp_path_factory.mktemp("furnished") / "data")
    for arguments in (
        ["migrate"],
        ["user", "add", "anna", "--name", "Anna"],
        ["project", "add", "Service", "--number", "+48221000099", "--member", "anna"],
        ["trunk", "add", "peer", "--host", "127.0.0.1"],
    ):
        done = run(*arguments, stdin=PASSWORD + "\n")
        assert (done.code, done.err) == (0, ""), done
    return Path(run.args[0])


@pytest.fixture
def callcenter(furnished: Path, tmp_path: Path) -> Run:
    """Return a function that runs a command on a copy of the furnished folder."""
    shutil.copytree(furnished, tmp_path / "data")
    return partial(command, tmp_path / "data")


def sentence(done: Done, code: int = 1) -> str:
    """Return what was said: one sentence on standard error, nothing of Python's."""
    assert done.code == code, done
    assert "Traceback" not in done.err, done.err
    assert "pydantic" not in done.err.lower(), done.err
    said = done.err.strip()
    assert said, done
    assert len(said.splitlines()) <= 2, said
    assert said.endswith((".", ":")) or "\n" not in said, said
    return said


WRONG: dict[str, tuple[list[str], bytes, str]] = {
    "user twice": (["user", "add", "anna", "--name", "Another"], PASSWORD.encode(), "already a user anna"),
    "user twice in capitals": (["user", "add", "ANNA", "--name", "Another"], PASSWORD.encode(), "already a user anna"),
    "login of spaces": (["user", "add", " ", "--name", "Nobody"], PASSWORD.encode(), "A login has letters"),
    "login with a NUL": (["user", "add", "a\x00b", "--name", "Nobody"], PASSWORD.encode(), "A login has letters"),
    "empty name": (["user", "add", "bob", "--name", ""], PASSWORD.encode(), "name"),
    "name of half a character": (["user", "add", "bob", "--name", "\udcff"], PASSWORD.encode(), "character"),
    "language unknown": (["user", "add", "bob", "--name", "Bob", "--language", "xx"], PASSWORD.encode(), "language"),
    "no password": (["user", "add", "bob", "--name", "Bob"], b"", "No password came on standard input."),
    "an empty line for a password": (["user", "add", "bob", "--name", "Bob"], b"\n", "No password came on standard input."),
    "a password too short": (["user", "add", "bob", "--name", "Bob"], b"abc\n", "password"),
    "a password that is no text": (["user", "add", "bob", "--name", "Bob"], b"\xff\xfe\x00long enough\n", "UTF-8"),
    "token for nobody": (["token", "add", "nobody"], b"", "nobody"),
    "project twice": (["project", "add", "Service"], b"", "Service"),
    "project without a name": (["project", "add", ""], b"", "name"),
    "project with a member who is not there": (["project", "add", "Sales", "--member", "nobody"], b"", "no user nobody"),
    "project with a number of another": (["project", "add", "Sales", "--number", "22 100 00 99"], b"", "Service"),
    "project with a name of 300 letters": (["project", "add", "x" * 300], b"", "name"),
    "trunk twice": (["trunk", "add", "peer", "--host", "127.0.0.1"], b"", "Another trunk is called peer"),
    "trunk with a bad CIDR": (["trunk", "add", "t", "--host", "h", "--allow", "300.1.2.3/8"], b"", "300.1.2.3/8"),
    "trunk with a bad host": (["trunk", "add", "t", "--host", "not a host"], b"", "not a host"),
    "trunk with port 99999": (["trunk", "add", "t", "--host", "h", "--port", "99999"], b"", "port"),
    "trunk with a caller id that is none": (["trunk", "add", "t", "--host", "h", "--caller-id", "12"], b"", "12"),
    "trunk that registers as nobody": (["trunk", "add", "t", "--host", "h", "--register"], b"", "user name"),
    "trunk without its password": (
        ["trunk", "add", "t", "--host", "h", "--username", "u", "--password-stdin"],
        b"",
        "No password",
    ),
    "trunk with a line break in its user": (["trunk", "add", "t", "--host", "h", "--username", "a\r\nX: y"], b"", "username"),
    "a schema of no such name": (["migrate", "--to", "nowhere"], b"", "nowhere"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_one_sentence_and_status_1(callcenter: Run, name: str) -> None:
    arguments, stdin, words = WRONG[name]
    assert words.lower() in sentence(callcenter(*arguments, stdin=stdin)).lower()


def test_a_handset_says_why_it_cannot_call(bare: Run) -> None:
    without = bare("handset", "call")
    assert (without.code, without.err) == (1, "")
    assert "Start the product with --demo" in without.out
    strange = bare("handset", "call", "--as", "12")
    assert (strange.code, strange.err) == (2, "")
    assert "12 is not a number of the built-in carrier" in strange.out


MISUSED: dict[str, list[str]] = {
    "a role that is none": ["user", "add", "bob", "--name", "Bob", "--role", "queen"],
    "no name": ["user", "add", "bob"],
    "no such command": ["fly"],
    "no such option": ["serve", "--fast"],
    "a port of letters": ["trunk", "add", "t", "--host", "h", "--port", "sip"],
    "a file that is not there": ["import", "contacts", "/nowhere/contacts.csv"],
    "a folder for a file": ["import", "contacts", "/tmp"],
}


@pytest.mark.parametrize("name", MISUSED)
def test_a_misused_command_shows_how_it_is_used_with_status_2(bare: Run, name: str) -> None:
    done = bare(*MISUSED[name])
    assert done.code == 2
    assert "Usage" in done.err + done.out
    assert "Traceback" not in done.err


SETTINGS: dict[str, dict[str, str]] = {
    "an address without a port": {"CALLCENTER_HTTP": "localhost"},
    "a port that is none": {"CALLCENTER_SIP": "127.0.0.1:99999"},
    "a range of ports backwards": {"CALLCENTER_RTP_PORTS": "30000-20000"},
    "seconds of letters": {"CALLCENTER_DRAIN_SECONDS": "soon"},
    "a yes that is none": {"CALLCENTER_DEMO": "perhaps"},
    "a database of no known kind": {"CALLCENTER_DATABASE_URL": "nonsense"},
    "a database we do not speak": {"CALLCENTER_DATABASE_URL": "mysql://me@localhost/x"},
    "a database that does not answer": {"CALLCENTER_DATABASE_URL": "postgresql://me@127.0.0.1:9/x"},
    "half a certificate": {"CALLCENTER_TLS_CERT": "/etc/hostname"},
    "a certificate that is not there": {"CALLCENTER_TLS_CERT": "/nowhere.pem", "CALLCENTER_TLS_KEY": "/nowhere.pem"},
    "a data folder that is a file": {"CALLCENTER_DATA_DIR": "/etc/hostname"},
    "a data folder that cannot be made": {"CALLCENTER_DATA_DIR": "/proc/nowhere"},
    "a log level that is none": {"CALLCENTER_LOG_LEVEL": "LOUD"},
    "a country that is none": {"CALLCENTER_REGION": "Atlantis"},
    "a time that is negative": {"CALLCENTER_SESSION_HOURS": "-1"},
}


@pytest.mark.parametrize("command", ["serve", "migrate", "token"])
@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_that_cannot_be_used_is_named_by_every_command_it_stops(bare: Run, name: str, command: str) -> None:
    ports = {"CALLCENTER_HTTP": f"127.0.0.1:{free_port()}", "CALLCENTER_SIP": f"127.0.0.1:{free_port()}"}
    done = bare(*({"token": ["token", "add", "anna"]}.get(command) or [command]), **{**ports, **SETTINGS[name]})
    if done.code or command == "serve":
        sentence(done)


def test_a_database_without_a_schema_says_what_to_run(bare: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert "callcenter migrate" in sentence(bare("token", "add", "anna"))


def test_a_database_that_is_none_is_said(bare: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "callcenter.db").write_bytes(b"this is no database" * 500)
    assert "database" in sentence(bare("migrate"))
    assert "database" in sentence(bare("token", "add", "anna"))


GOOD_ROW = "Ewa;Lis;+48 601 234 567"
FILES: dict[str, tuple[bytes, int, str]] = {
    "wrong columns": (b"colour;size\nred;3\n", 1, "Not known: colour, size"),
    "no first line": (f"{GOOD_ROW}\n".encode(), 1, "The first line must name the columns"),
    "empty": (b"", 1, "The file is empty"),
    "no text": (b"First name\n\x81\x98\xff\xfe\x00\x01" * 50, 1, "UTF-8"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, 1, ""),
    "half a UTF-16": (f"First name;Last name;Phone\n{GOOD_ROW}\n".encode("utf-16")[:-1], 1, "UTF-8"),
    "one bad row": (f"First name;Last name;Phone\n{GOOD_ROW}\n;;\nJan;Kot;not a number\n".encode(), 0, "1 rows rejected"),
    "Windows-1250": (f"Imię;Nazwisko;Telefon\n{GOOD_ROW}\n".encode("cp1250"), 0, "1 contacts added"),
    "a NUL in a name": (b"First name;Last name\nE\0wa;Lis\n", 0, ""),
}


@pytest.mark.parametrize("name", FILES)
def test_a_list_of_contacts_goes_in_as_far_as_it_can_and_the_rest_is_told(callcenter: Run, tmp_path: Path, name: str) -> None:
    content, code, words = FILES[name]
    file = tmp_path / "contacts.csv"
    file.write_bytes(content)
    done = callcenter("import", "contacts", str(file))
    assert done.code == code, done
    assert words in done.out + done.err, done
    assert "Traceback" not in done.err
    if code:
        sentence(done)


def test_numbers_in_a_list_are_read_as_those_of_our_country(callcenter: Run, tmp_path: Path) -> None:
    file = tmp_path / "contacts.csv"
    file.write_text("First name;Phone\nEwa;030 1234567\n")
    assert callcenter("import", "contacts", str(file), CALLCENTER_REGION="DE").code == 0
    with closing(sqlite3.connect(tmp_path / "data" / "callcenter.db")) as database:
        assert database.execute("SELECT e164 FROM numbers").fetchall() == [("+49301234567",)]
