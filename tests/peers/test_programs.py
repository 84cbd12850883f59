"""What the peer tests say when a foreign program is missing."""

import pytest

from tests.peers.programs import required

pytestmark = pytest.mark.peer


def test_a_missing_program_fails_with_the_line_that_installs_it() -> None:
    with pytest.raises(AssertionError, match="apt-get install -y --no-install-recommends sip-tester"):
        required("no-such-program", "sip-tester")


@pytest.mark.parametrize(("program", "package"), [("sipp", "sip-tester"), ("baresip", "baresip-core")])
def test_the_programs_are_here(program: str, package: str) -> None:
    assert required(program, package).startswith("/")
