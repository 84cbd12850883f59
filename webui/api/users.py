"""Users, their sign-ins and tokens, and the audit trail."""

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field
from starlette.requests import Request

from callcenter.actor import EVERY_ACCOUNT, AccountRole, Actor, Role
from callcenter.contacts import trail
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict
from callcenter.users import service as users
from webui.openapi import operation, routes_of
from webui.validation import Id, In, Word

Password = Annotated[str, Field(max_length=1000, pattern="^[^\\x00]*$")]
RoleName = Literal["consultant", "supervisor", "administrator"]


AccountRoles = Annotated[list[AccountRole], Field(max_length=len(AccountRole))]


class UserOut(BaseModel):
    """A person who may sign in."""

    id: int
    login: str
    name: str
    role: str
    accounts: list[str]
    language: str
    time_zone: str
    created_at: dt.datetime
    disabled_at: dt.datetime | None


class UserList(BaseModel):
    """Users by name."""

    items: list[UserOut]


class UserIn(In):
    """A new user."""

    login: Word
    name: Word
    role: RoleName
    password: Password
    language: Literal["en", "pl"] = "en"
    accounts: AccountRoles = sorted(EVERY_ACCOUNT)


class UserChange(In):
    """What to change of a user; what is null stays."""

    name: Word | None = None
    role: RoleName | None = None
    disabled: bool | None = None
    accounts: AccountRoles | None = None


class PasswordIn(In):
    """A new password; one's own needs the old one."""

    password: Password
    old: Password | None = None


class SessionOut(BaseModel):
    """A sign-in in one browser."""

    id: int
    created_at: dt.datetime
    seen_at: dt.datetime
    expires_at: dt.datetime
    address: str
    agent: str
    current: bool


class SessionList(BaseModel):
    """Sign-ins that stand."""

    items: list[SessionOut]


class TokenIn(In):
    """What the token is for."""

    name: Word = ""


class TokenOut(BaseModel):
    """A bearer token, without its secret."""

    id: int
    name: str
    created_at: dt.datetime
    used_at: dt.datetime | None


class TokenList(BaseModel):
    """Tokens that stand."""

    items: list[TokenOut]


class NewToken(BaseModel):
    """A new token: the secret is shown this once."""

    token: str


class AuditQuery(In):
    """Which part of the trail: `before` is the id of the last entry of the page before."""

    before: Id | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 100
    action: Word = ""
    subject: Word = ""
    subject_id: Word = ""
    actor_id: Id | None = None


class AuditOut(BaseModel):
    """Who did what to what."""

    id: int
    at: dt.datetime
    actor_id: int | None
    actor_name: str
    action: str
    subject: str
    subject_id: str
    detail: dict[str, Any]
    address: str


class AuditPage(BaseModel):
    """The trail, newest first."""

    items: list[AuditOut]


@operation("GET", "/users", "listUsers", role=Role.SUPERVISOR)
async def list_users(uow: UnitOfWork) -> UserList:
    """All users."""
    return UserList(items=[UserOut.model_validate(each, from_attributes=True) for each in await users.list_users(uow)])


@operation("POST", "/users", "createUser", role=Role.ADMINISTRATOR, errors=(Conflict,), status=201)
async def create_user(request: Request, actor: Actor, body: UserIn) -> UserOut:
    """Add a user."""
    named = body.model_dump()
    made = await users.add_user(request.app.state.database, actor, **named)
    return UserOut.model_validate(made, from_attributes=True)


@operation("GET", "/users/{user_id}", "getUser")
async def get_user(uow: UnitOfWork, user_id: Id) -> UserOut:
    """A user: oneself, or anybody for supervisors."""
    return UserOut.model_validate(await users.get_user(uow, user_id), from_attributes=True)


@operation("PUT", "/users/{user_id}", "updateUser", role=Role.ADMINISTRATOR, errors=(Conflict,))
async def update_user(uow: UnitOfWork, user_id: Id, body: UserChange) -> UserOut:
    """Change name or role, let in or shut out."""
    changed = await users.update_user(uow, user_id, **body.model_dump())
    return UserOut.model_validate(changed, from_attributes=True)


@operation("PUT", "/users/{user_id}/password", "setPassword")
async def set_password(request: Request, actor: Actor, user_id: Id, body: PasswordIn) -> None:
    """Set a password: one's own with the old one, anybody's as administrator."""
    await users.set_password(request.app.state.database, actor, user_id, body.password, body.old)


@operation("GET", "/users/{user_id}/sessions", "listSessions")
async def list_sessions(uow: UnitOfWork, user_id: Id) -> SessionList:
    """Where a user is signed in: oneself, or anybody for administrators."""
    own = uow.actor.session_id
    names = [name for name in SessionOut.model_fields if name != "current"]
    found = await users.list_sessions(uow, user_id)
    items = [SessionOut(**{name: getattr(each, name) for name in names}, current=each.id == own) for each in found]
    return SessionList(items=items)


@operation("DELETE", "/sessions/{session_id}", "revokeSession")
async def revoke_session(request: Request, actor: Actor, session_id: Id) -> None:
    """End a sign-in; its pages notice at once."""
    async with request.app.state.database.unit_of_work(actor) as uow:
        await users.revoke_session(uow, session_id)
    request.app.state.live.end_session(session_id)


@operation("GET", "/users/{user_id}/tokens", "listTokens")
async def list_tokens(uow: UnitOfWork, user_id: Id) -> TokenList:
    """A user's bearer tokens: one's own, or anybody's for administrators."""
    found = await users.list_tokens(uow, user_id)
    return TokenList(items=[TokenOut.model_validate(each, from_attributes=True) for each in found])


@operation("POST", "/users/{user_id}/tokens", "createToken", status=201)
async def create_token(uow: UnitOfWork, user_id: Id, body: TokenIn) -> NewToken:
    """Make a bearer token: for oneself, or for anybody as administrator."""
    user = await users.get_user(uow, user_id)
    return NewToken(token=await users.add_token(uow, user.login, body.name))


@operation("DELETE", "/tokens/{token_id}", "revokeToken")
async def revoke_token(uow: UnitOfWork, token_id: Id) -> None:
    """End a token."""
    await users.revoke_token(uow, token_id)


@operation("GET", "/audit", "listAudit", role=Role.ADMINISTRATOR)
async def list_audit(uow: UnitOfWork, query: AuditQuery) -> AuditPage:
    """Who did what, newest first."""
    found = await trail.list_audit(uow, **query.model_dump())
    return AuditPage(items=[AuditOut.model_validate(each, from_attributes=True) for each in found])


ROUTES = routes_of(__name__)
