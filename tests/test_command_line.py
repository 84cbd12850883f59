"""The command line as scripts use it: what it prints, what it refuses with one sentence, and its exit status."""

import io
import json
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import ifaddr
import pytest

from callcenter.campaigns.models import Campaign
from callcenter.config import Settings
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError
from callcenter.main import cli, preflight
from callcenter.main.commanding import in_transaction

Run = Callable[..., tuple[int, str, str]]
PASSWORD = "correct horse battery\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command line in this process: (status, output, errors)."""
    monkeypatch.setenv("CALLCENTER_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("CALLCENTER_DATABASE_URL", raising=False)

    def command(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["callcenter", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.run()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out.strip(), said.err.strip()

    return command


@pytest.fixture
def prepared(run: Run) -> Run:
    assert run("migrate")[0] == 0
    assert run("user", "add", "anna", "--name", "Anna", "--role", "consultant", stdin=PASSWORD)[0] == 0
    return run


def test_account_roles_are_given_and_changed(prepared: Run) -> None:
    given = ("--accounts", "partner-reader, customer_manager")
    status, said, _ = prepared("user", "add", "bob", "--name", "Bob", *given, stdin=PASSWORD)
    assert (status, said.endswith("Account roles: partner_reader, customer_manager.")) == (0, False)
    assert said.endswith("Account roles: customer_manager, partner_reader.")
    assert prepared("user", "accounts", "bob", "none")[1] == "bob: account roles: none."
    assert prepared("user", "accounts", "bob", "all")[1] == "bob: account roles: partner_admin, customer_admin."
    assert prepared("user", "accounts", "bob", "everything")[0] == 2
    assert prepared("user", "accounts", "carl", "all")[0] == 1


def test_the_contract_of_scripts(prepared: Run, tmp_path: Path) -> None:
    status, token, _ = prepared("token", "add", "anna")
    assert (status, token[:3]) == (0, "cc_")
    assert prepared("project", "add", "Service", "--number", "+48221234567", "--member", "anna")[0] == 0
    trunk = ("--host", "sip.example", "--port", "5060", "--username", "u", "--password-stdin", "--register", "--trusted")
    more = ("--allow", "203.0.113.0/24", "--caller-id", "+48221234567")
    assert prepared("trunk", "add", "carrier", *trunk, *more, stdin="secret\n")[0] == 0
    people = tmp_path / "people.csv"
    people.write_text("First name,Last name,Mobile\nŁucja,Żak,501 234 567\nNobody,,not a number at all\n")
    status, said, rejected = prepared("import", "contacts", str(people), "--dry-run")
    assert (status, said) == (0, "2 rows read, 1 contacts would be added, 1 rows rejected.")
    assert "3" in rejected
    assert prepared("import", "contacts", str(people))[1] == "2 rows read, 1 contacts added, 1 rows rejected."


ACCOUNT = ("trunk", "add-twilio", "tw", "--account-sid", "AC" + "0" * 32, "--number", "+48221234567")
PUBLIC = ("--public-url", "https://calls.example.com")


def test_a_twilio_account_is_added_with_its_secrets_from_standard_input(prepared: Run, tmp_path: Path) -> None:
    more = ("--number", "+48221234568", "--api-key", "SK" + "0" * 32, "--calls-per-second", "2.5", "--machine-detection")
    limits = ("--longest-call", "3600", "--minute-price", "0.0130", "--daily-spend", "20")
    status, said, _ = prepared(*ACCOUNT, *PUBLIC, *more, *limits, stdin="the-auth-token\nthe-key-secret\n")
    assert (status, said) == (0, "Added trunk tw, id 1. Its webhooks begin with https://calls.example.com/twilio/1/")
    with sqlite3.connect(tmp_path / "callcenter.db") as database:
        [row] = database.execute(
            "SELECT kind, calls_per_second, machine_detection, longest_call_seconds, minute_price FROM trunks"
        )
        stored = "".join(str(each) for each in database.execute("SELECT * FROM trunks").fetchall())
    database.close()
    assert row == ("twilio", 2.5, 1, 3600, 130)
    assert "the-auth-token" not in stored
    assert "the-key-secret" not in stored


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        ((*ACCOUNT, *PUBLIC), "", "No password came"),
        ((*ACCOUNT, *PUBLIC), "short\n", "auth_token: An auth token is"),
        ((*ACCOUNT, *PUBLIC, "--api-key", "SK" + "0" * 32), "the-auth-token\n", "No password came"),
        (ACCOUNT, "the-auth-token\n", "Write the address Twilio reaches us by"),
        ((*ACCOUNT, "--public-url", "http://calls.example.com"), "the-auth-token\n", "public_url: Only https://"),
        ((*ACCOUNT, *PUBLIC, "--calls-per-second", "0"), "the-auth-token\n", "calls_per_second"),
        ((*ACCOUNT, *PUBLIC, "--daily-spend", "5"), "the-auth-token\n", "what a minute costs"),
        (("token", "add", "nobody"), "", "nobody"),
        (("user", "add", "anna", "--name", "Again"), PASSWORD, "anna"),
        (("user", "add", "bob", "--name", "Bob"), "short\n", "characters"),
        (("user", "add", "bob", "--name", "Bob"), "", "No password came"),
        (("project", "add", "P", "--member", "ghost"), "", "There is no user ghost."),
        (("project", "add", "P", "--number", "a;b"), "", "is not a number customers can dial"),
        (("trunk", "add", "t", "--host", "bad host"), "", "not a host name"),
        (("trunk", "add", "t", "--host", "sip.example", "--port", "99999"), "", "at most 65535"),
        (("trunk", "add", "t", "--host", "sip.example", "--allow", "banana"), "", "banana is not an address or a network"),
        (("trunk", "add", "t", "--host", "sip.example", "--caller-id", "12"), "", "caller_ids"),
        (("migrate", "--to", "banana"), "", "cannot be brought to banana"),
    ],
)
def test_what_is_refused_is_one_sentence_and_status_one(prepared: Run, arguments: tuple[str, ...], stdin: str, said: str) -> None:
    status, _, errors = prepared(*arguments, stdin=stdin)
    assert status == 1
    assert said in errors
    assert "Traceback" not in errors
    assert len(errors.splitlines()) == 1


def test_bad_usage_is_status_two(prepared: Run) -> None:
    assert prepared("user", "add", "bob", "--name", "Bob", "--role", "system", stdin=PASSWORD)[0] == 2
    assert prepared("import", "contacts", "/nowhere/people.csv")[0] == 2


@pytest.mark.parametrize(
    ("content", "said"), [(b"foo,bar\n1,2\n", "Not known: foo, bar"), (b"", "The file is empty"), (b"\x00\x01\xff" * 99, "")]
)
def test_a_file_that_is_no_contacts_says_why(prepared: Run, tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "wrong.csv"
    file.write_bytes(content)
    status, output, errors = prepared("import", "contacts", str(file))
    assert (status, output) == (1, "")
    assert said in errors
    assert len(errors.splitlines()) == 1


def test_an_empty_database_says_to_migrate_first(run: Run) -> None:
    status, _, errors = run("token", "add", "anna")
    assert status == 1
    assert "callcenter migrate" in errors


def test_every_setting_is_explained(run: Run) -> None:
    status, output, _ = run("settings")
    assert status == 0
    for name in Settings.model_fields:
        assert f"CALLCENTER_{name.upper()}=" in output


def free_port(kind: socket.SocketKind) -> tuple[socket.socket, int]:
    taken = socket.socket(socket.AF_INET, kind)
    taken.bind(("127.0.0.1", 0))
    if kind == socket.SOCK_STREAM:
        taken.listen()
    return taken, int(taken.getsockname()[1])


@pytest.mark.parametrize(
    ("setting", "kind"), [("http", socket.SOCK_STREAM), ("sip", socket.SOCK_DGRAM), ("lab_sip", socket.SOCK_DGRAM)]
)
def test_a_taken_port_is_named_with_the_option_that_changes_it(tmp_path: Path, setting: str, kind: socket.SocketKind) -> None:
    taken, port = free_port(kind)
    free = dict.fromkeys(("http", "sip", "lab_sip"), "127.0.0.1:0")
    with taken, pytest.raises(CallCenterError, match=f"Port {port} on 127.0.0.1") as refused:
        preflight.check(Settings(data_dir=tmp_path, demo=True, **{**free, setting: f"127.0.0.1:{port}"}))  # type: ignore[arg-type]
    assert "HOST:PORT" in str(refused.value)


def test_a_machine_with_only_loopback_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lonely = [each for each in ifaddr.get_adapters() if each.name == "lo"]
    monkeypatch.setattr(ifaddr, "get_adapters", lambda: lonely)
    with pytest.raises(CallCenterError, match="no network interface but loopback"):
        preflight.check(Settings(data_dir=tmp_path, http="127.0.0.1:0", sip="127.0.0.1:0"))


def test_half_a_certificate_and_an_unreadable_setting_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CallCenterError, match="both --tls-cert and --tls-key"):
        preflight.check(Settings(data_dir=tmp_path, tls_cert=tmp_path / "cert.pem"))
    with pytest.raises(CallCenterError, match="not HOST:PORT"):
        preflight.check(Settings(data_dir=tmp_path, sip="somewhere"))


def test_a_python_without_venv_is_told_what_to_install(tmp_path: Path) -> None:
    python = tmp_path / "python3"
    python.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\nexit 0\n')
    python.chmod(0o755)
    script = Path(__file__).parents[1] / "scripts" / "python-environment.sh"
    done = subprocess.run(["sh", script, python, tmp_path / "venv"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "python3-venv" in done.stderr


def test_logs_are_json_with_the_process_named_and_secrets_blanked() -> None:
    code = (
        "import structlog, threading; from callcenter.main import logs; logs.configure('INFO', 'switch')\n"
        "log = structlog.get_logger('x')\n"
        "t = threading.Thread(target=lambda: log.info('hello', password='geheim', user='u')); t.start(); t.join()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    line = json.loads(done.stderr)
    assert (line["event"], line["process"], line["password"], line["user"]) == ("hello", "switch", "***", "u")


def test_a_campaign_is_rehearsed_and_what_is_assumed_is_said(run: Run) -> None:
    assert run("migrate")[0] == 0
    assert run("project", "add", "Sales")[0] == 0

    async def add(uow: UnitOfWork) -> None:
        given = {"project_id": 1, "name": "Spring", "mode": "progressive", "rule_pack": "US"}
        uow.session.add(Campaign(**given, created_at=uow.now, updated_at=uow.now))

    in_transaction(add)
    status, said, _ = run("rehearse", "Spring", "--agents", "2", "--seeds", "1")
    assert status == 0
    assert "ASSUMED" in said
    assert "Occupancy" in said
    assert run("rehearse", "Autumn") == (1, "", "There is no such campaign.")
