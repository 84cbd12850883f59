"""The API as its own document tells it: whatever a stranger sends within or against it, nothing breaks."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks
from sqlalchemy import update

from callcenter import clock
from callcenter.actor import EVERY_ACCOUNT, Role
from callcenter.users.models import Token, User
from callcenter.users.sessions import TOKEN_PREFIX, hash_secret
from tests.webui.conftest import Site, serving
from webui import routes
from webui.openapi import OPERATIONS
from webui.openapi_document import document

OWN_ID = 777_777  # of the administrator and the token that ask, so that no example shuts them out


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    routes.table()
    return dict(json.loads(document()))


def test_every_operation_of_the_contract_is_documented_with_its_errors(described: dict[str, Any]) -> None:
    operations = {each["operationId"]: each for path in described["paths"].values() for each in path.values()}
    promised = "getMe setAgentState openStation closeStation dial answerCall hangUpCall sendDtmf setDisposition listContacts"
    promised += " getContact createContact updateContact listCalls getCall"
    assert set(promised.split()) <= set(operations)
    assert len(operations) == len(OPERATIONS)
    for name, each in operations.items():
        assert {"401", "403", "503"} <= set(each["responses"]), name
        assert each["summary"], name
    assert described["openapi"].startswith("3.1")


def test_every_text_the_api_takes_is_bounded(described: dict[str, Any]) -> None:
    def unbounded(schema: dict[str, Any], path: str) -> Iterator[str]:
        if schema.get("type") == "string" and not {"maxLength", "enum", "const", "pattern", "format"} & set(schema):
            yield path
        for key, value in schema.items():
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, dict):
                    yield from unbounded(each, f"{path}.{key}")

    # a model's own str_max_length is not in its schema: fields.py of trunks and projects bound theirs so
    bounded_by_model = ("TrunkInput", "ProjectInput")
    inputs = {name: each for name, each in described["components"]["schemas"].items() if name.endswith("Input")}
    found = [path for name, each in inputs.items() for path in unbounded(each, name) if not name.startswith(bounded_by_model)]
    assert found == []


@pytest.mark.parametrize("examples", [8, pytest.param(60, marks=pytest.mark.soak)])
async def test_no_input_breaks_the_api(site: Site, described: dict[str, Any], examples: int) -> None:
    """Send `examples` of each operation, within the document and against it."""
    if site.database.sqlite and examples < 50:
        pytest.skip("PostgreSQL refuses more; make soak tries both")
    site.app.state.settings = site.settings.model_copy(update={"demo": False})  # no carrier runs here
    token = TOKEN_PREFIX + clock.new_id()
    async with site.database.unit_of_work() as uow:
        role = Role.ADMINISTRATOR.value
        uow.session.add(
            User(
                id=OWN_ID,
                login="script",
                name="Script",
                role=role,
                accounts=sorted(EVERY_ACCOUNT),
                password_hash="",
                created_at=uow.now,
            )
        )
        await uow.session.flush()
        uow.session.add(Token(id=OWN_ID, user_id=OWN_ID, token_hash=hash_secret(token), created_at=uow.now))
    async with serving(site) as address:
        await asyncio.to_thread(try_all, described, f"http://{address}", token, examples)
    async with site.database.unit_of_work() as uow:
        await uow.session.execute(update(User).values(name="still works"))


def try_all(described: dict[str, Any], url: str, token: str, examples: int) -> None:
    """Try every operation both ways; raises what was found wrong at the end, all of it."""
    schema = schemathesis.openapi.from_dict(described)
    wrong: list[BaseException] = []
    for found in schema.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]  # raises what is wrong with the document
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                try_one(operation, mode, url, token, examples)
            except (FailureGroup, Exception) as error:  # noqa: BLE001 - one run says all that is wrong
                wrong.append(error)
    if wrong:
        raise BaseExceptionGroup("what the API does against its document", wrong)


def try_one(operation: Any, mode: GenerationMode, url: str, token: str, examples: int) -> None:
    wanted = [
        not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
    ]

    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        response = case.call(base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=60)
        assert response.status_code != 401
        case.validate_response(response, checks=wanted)

    send()
