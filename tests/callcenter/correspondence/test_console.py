"""Without a mail server a developer sees what would leave, and feeds what would come."""

import shutil
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from callcenter.config import Settings
from callcenter.main.cli import app, demonstrable
from tests import tables
from tests.callcenter.correspondence.conftest import PDF, Office, letter
from tests.callcenter.messages.conftest import settings_for


async def test_emails_and_faxes_go_to_the_log_and_count_as_sent(office: Office, tmp_path: Path) -> None:
    office.database.settings = settings_for(tmp_path, 25, smtp="console", smtp_from="", smtp_password="a secret")
    sent = await office.write(files=[await office.upload()])
    fax = await office.fax()
    with capture_logs() as lines:
        await office.deliver()
    written = [each for each in lines if each["event"] == "mail.console"]
    assert [each["to"] for each in written] == ["jan@example.org", "48221234567@fax.example.com"]
    assert written[0]["attached"] == [f"oferta.pdf (application/pdf, {len(PDF)} octets)"]
    assert "a secret" not in str(lines)
    assert [(await office.email(each)).state for each in (sent.id, fax.id)] == ["sent", "sent"]


def test_the_demo_writes_to_the_log_unless_a_mail_server_is_named(tmp_path: Path) -> None:
    assert demonstrable(Settings(data_dir=tmp_path, demo=True, _env_file=None)).smtp == "console"
    assert demonstrable(Settings(data_dir=tmp_path, demo=True, smtp="mail:25", _env_file=None)).smtp == "mail:25"
    assert demonstrable(Settings(data_dir=tmp_path, _env_file=None)).smtp == ""


def test_a_file_is_taken_as_if_the_mailbox_had_brought_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(tables.sqlite_file(), tmp_path / "callcenter.db")
    monkeypatch.setenv("CALLCENTER_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("CALLCENTER_DATABASE_URL", raising=False)
    file = tmp_path / "mail.eml"
    file.write_bytes(letter(subject="From a file"))
    first = CliRunner().invoke(app, ["mail", "receive", str(file)])
    assert first.exit_code == 0, first.output
    assert "e-mail 1 of nobody known: From a file" in first.output
    assert "is here already." in CliRunner().invoke(app, ["mail", "receive", str(file)]).output
    assert CliRunner().invoke(app, ["mail", "receive", str(tmp_path / "none.eml")]).exit_code == 2
