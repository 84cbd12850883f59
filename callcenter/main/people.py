"""`callcenter user`, `token` and `project`: who may sign in, and what they serve."""

import asyncio
from typing import Annotated, Literal

import typer
from sqlalchemy import select

from callcenter.actor import EVERY_ACCOUNT, SYSTEM, AccountRole
from callcenter.config import Settings
from callcenter.db import UnitOfWork
from callcenter.errors import NotFound
from callcenter.main.commanding import in_transaction, open_database, read_password
from callcenter.projects import service as projects
from callcenter.projects.service import ProjectInput
from callcenter.users import service as users
from callcenter.users.models import User

Text = Annotated[str, typer.Argument()]
People = Literal["consultant", "supervisor", "administrator"]

user_app = typer.Typer(no_args_is_help=True, help="People who may sign in.")
token_app = typer.Typer(no_args_is_help=True, help="Bearer tokens for scripts.")
project_app = typer.Typer(no_args_is_help=True, help="Projects: numbers and who serves them.")

ACCOUNTS = (
    "What they may do with contacts and organisations: all (read and change all), none (no access), or any of "
    + ", ".join(AccountRole)
    + " with commas between."
)


@user_app.command("add")
def add_user(
    login: Text,
    name: Annotated[str, typer.Option(help="Name as colleagues see it.")],
    role: Annotated[People, typer.Option(help="What they may do.")] = "consultant",
    language: Annotated[str, typer.Option(help="en or pl.")] = "en",
    accounts: Annotated[str, typer.Option(help=ACCOUNTS)] = "all",
) -> None:
    """Add a person; the password comes on standard input."""
    chosen = _account_roles(accounts)
    password = read_password("Password")

    async def work() -> User:
        async with open_database() as database:
            return await users.add_user(database, SYSTEM, login, name, role, password, language, chosen)

    user = asyncio.run(work())
    typer.echo(f"Added {user.login} ({user.role}), id {user.id}. Account roles: {_listed(user)}.")


@user_app.command("accounts")
def set_account_roles(login: Text, accounts: Annotated[str, typer.Argument(help=ACCOUNTS)]) -> None:
    """Set what a person may do with contacts and organisations; it counts at once, also where they are signed in."""
    chosen = _account_roles(accounts)

    async def work(uow: UnitOfWork) -> User:
        return await users.update_user(uow, await _user_id(uow, login), accounts=chosen)

    user = in_transaction(work)
    typer.echo(f"{user.login}: account roles: {_listed(user)}.")


def _account_roles(said: str) -> list[AccountRole]:
    """Return the account roles of an option: "all", "none", or names with commas between."""
    names = [each.strip().replace("-", "_") for each in said.split(",") if each.strip()]
    if names in (["all"], ["none"]):
        return sorted(EVERY_ACCOUNT) if names == ["all"] else []
    try:
        return [AccountRole(each) for each in names]
    except ValueError as error:
        raise typer.BadParameter(f"An account role is one of {', '.join(AccountRole)}; or say all, or none.") from error


def _listed(user: User) -> str:
    return ", ".join(user.accounts) or "none"


@token_app.command("add")
def add_token(login: Text, name: Annotated[str, typer.Option(help="What it is for.")] = "") -> None:
    """Print a new bearer token of a user; it is shown this once."""
    typer.echo(in_transaction(lambda uow: users.add_token(uow, login, name)))


@project_app.command("add")
def add_project(
    name: Text,
    number: Annotated[list[str] | None, typer.Option(help="A number customers dial; may be repeated.")] = None,
    member: Annotated[list[str] | None, typer.Option(help="LOGIN of who serves it; may be repeated.")] = None,
) -> None:
    """Add a project with its numbers and members."""

    async def work(uow: UnitOfWork) -> int:
        members = [await _user_id(uow, login) for login in member or []]
        data = ProjectInput(name=name, numbers=number or [], region=Settings().region)
        project = await projects.add_project(uow, data)
        await projects.set_members(uow, project.id, members)
        return project.id

    typer.echo(f"Added project {name}, id {in_transaction(work)}.")


async def _user_id(uow: UnitOfWork, login: str) -> int:
    """Return the id of the user who signs in as `login`; raises NotFound."""
    user_id = await uow.session.scalar(select(User.id).where(User.login == login))
    if user_id is None:
        raise NotFound("There is no user {login}.", login=login)
    return user_id
