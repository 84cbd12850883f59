"""Projects: their rules, the numbers customers dial, their people, and the dispositions agents pick."""

from collections.abc import Iterable, Sequence

from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from callcenter.actor import Role
from callcenter.contacts import numbers
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid, NotFound, NotPermitted
from callcenter.projects import rights
from callcenter.projects.fields import DispositionOut, MemberOut, ProjectInput, ProjectOut
from callcenter.projects.models import Disposition, Membership, Project, ProjectNumber
from callcenter.projects.rights import Act, Reach
from callcenter.trunks.models import Trunk
from callcenter.users.models import User
from callcenter.users.service import audit

__all__ = [
    "DispositionOut",
    "MemberOut",
    "ProjectInput",
    "ProjectOut",
    "add_project",
    "dispositions",
    "get_project",
    "list_projects",
    "members",
    "normalised",
    "project_for",
    "projects_of",
    "served",
    "set_dispositions",
    "set_members",
    "update_project",
]

_LAST = 9  # how many digits tell numbers apart when country codes are missing
_MAXIMUM_DISPOSITION = 60
_STRICT = ("marketing", "consent")  # purposes nobody but an administrator gives up


async def list_projects(uow: UnitOfWork) -> list[ProjectOut]:
    """Return all projects by name (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    return await _list(uow, None)


async def projects_of(uow: UnitOfWork, user_id: int | None = None) -> list[ProjectOut]:
    """Return the enabled projects a person serves (oneself; somebody else for supervisors)."""
    user_id = uow.actor.id if user_id is None else user_id
    if user_id != uow.actor.user_id:
        uow.actor.require(Role.SUPERVISOR)
    return [project for project in await _list(uow, user_id) if project.enabled]


async def served(uow: UnitOfWork, project_id: int | None) -> Project | None:
    """Return the enabled project the actor calls or writes for: the one named, else the first they serve, if any.

    Raises Invalid (field project_id) for one they do not serve; supervisors may name any.
    """
    mine = select(Project).join(Membership, Membership.project_id == Project.id)
    mine = mine.where(Membership.user_id == uow.actor.id, Project.enabled).order_by(Project.name)
    if project_id is None:
        return await uow.session.scalar(mine.limit(1))
    allowed = select(Project).where(Project.enabled) if uow.actor.may(Role.SUPERVISOR) else mine
    project = await uow.session.scalar(allowed.where(Project.id == project_id))
    if project is None:
        raise Invalid("You do not serve this project.", field="project_id")
    return project


async def get_project(uow: UnitOfWork, project_id: int) -> ProjectOut:
    """Return a project: to its members and to supervisors."""
    project = await _get(uow, project_id)
    if not uow.actor.may(Role.SUPERVISOR) and await uow.session.get(Membership, (project_id, uow.actor.id)) is None:
        raise NotFound("There is no such project.")
    return _out(project, (await _members_by_project(uow, [project_id])).get(project_id, []))


async def add_project(uow: UnitOfWork, data: ProjectInput) -> ProjectOut:
    """Store a new project (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    _check_telling(uow, data, told_before=True)
    project = Project(created_at=uow.now, numbers=[])
    await _write(uow, project, data)
    audit(uow, "project.added", "project", project.id, **data.model_dump())
    return _out(project, [])


async def update_project(uow: UnitOfWork, project_id: int, data: ProjectInput) -> ProjectOut:
    """Replace a project's rules and numbers (supervisors; of a purpose that needs a consent, administrators)."""
    uow.actor.require(Role.SUPERVISOR)
    project = await _get(uow, project_id)
    if data.purpose != project.purpose and project.purpose in _STRICT and not uow.actor.may(Role.ADMINISTRATOR):
        raise NotPermitted("What this project is for can be changed by an administrator only: customers' consent depends on it.")
    _check_telling(uow, data, told_before=project.tell_listening)
    await _write(uow, project, data)
    audit(uow, "project.updated", "project", project.id, **data.model_dump())
    return _out(project, (await _members_by_project(uow, [project_id])).get(project_id, []))


async def members(uow: UnitOfWork, project_id: int) -> list[MemberOut]:
    """Return who serves a project, by name (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    await _get(uow, project_id)
    query = select(User).join(Membership, Membership.user_id == User.id).where(Membership.project_id == project_id)
    people = await uow.session.scalars(query.order_by(User.name, User.id))
    return [MemberOut(user_id=user.id, name=user.name, role=user.role) for user in people]


async def set_members(uow: UnitOfWork, project_id: int, user_ids: Iterable[int]) -> list[MemberOut]:
    """Make exactly these people serve the project (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    await _get(uow, project_id)
    wanted = set(user_ids)
    known = set(await uow.session.scalars(select(User.id).where(User.id.in_(wanted))))
    if wanted - known:
        raise Invalid("There is no user {user_id}.", field="members", user_id=min(wanted - known))
    await uow.session.execute(delete(Membership).where(Membership.project_id == project_id))
    uow.session.add_all(Membership(project_id=project_id, user_id=user_id) for user_id in sorted(wanted))
    await uow.session.flush()
    audit(uow, "project.members_set", "project", project_id, members=sorted(wanted))
    return await members(uow, project_id)


_LIKE_DIALLED = (  # built once: every call that comes asks it
    select(ProjectNumber.number, ProjectNumber.tail, Project)
    .join(Project, Project.id == ProjectNumber.project_id)
    .where(Project.enabled)
    .where(
        or_(
            ProjectNumber.number == bindparam("wanted"),
            ProjectNumber.number == bindparam("dialled"),
            ProjectNumber.tail == bindparam("tail"),
        )
    )
)


async def project_for(uow: UnitOfWork, dialled: str, region: str | None = None) -> Project | None:
    """Return the enabled project a dialled number belongs to: by E.164, then by the last nine digits, then as it came."""
    wanted = normalised(dialled, region or uow.database.settings.region)
    tail = _tail(wanted)
    given = {"wanted": wanted, "dialled": dialled.strip(), "tail": tail or "none"}
    found: dict[int, dict[int, Project]] = {}
    for number, its_tail, project in await uow.session.execute(_LIKE_DIALLED, given):
        rank = 0 if number == wanted else 1 if tail and its_tail == tail else 2
        found.setdefault(rank, {})[project.id] = project
    best = list(found[min(found)].values()) if found else []
    return best[0] if len(best) == 1 else None  # two projects that share the last nine digits: neither is guessed


async def dispositions(uow: UnitOfWork, project_id: int | None) -> list[DispositionOut]:
    """Return the codes for a project's calls, its own first, then the common ones."""
    scope = or_(Disposition.project_id.is_(None), Disposition.project_id == project_id)
    query = select(Disposition).where(scope, Disposition.retired_at.is_(None))
    rows = await uow.session.scalars(query.order_by(Disposition.project_id.is_(None), Disposition.position, Disposition.id))
    return [DispositionOut(id=row.id, name=row.name, project_id=row.project_id, position=row.position) for row in rows]


async def set_dispositions(uow: UnitOfWork, project_id: int | None, names: Sequence[str]) -> list[DispositionOut]:
    """Make exactly these the codes of a project (None: of all); those left out retire, calls keep them (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    if project_id is not None:
        await _get(uow, project_id)
    wanted = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    if any(len(name) > _MAXIMUM_DISPOSITION for name in wanted):
        raise Invalid("A disposition has at most {most} characters.", field="names", most=_MAXIMUM_DISPOSITION)
    same = Disposition.project_id.is_(None) if project_id is None else Disposition.project_id == project_id
    stored = {row.name: row for row in await uow.session.scalars(select(Disposition).where(same))}
    for name, row in stored.items():
        if name not in wanted:
            row.retired_at = row.retired_at or uow.now
    for position, name in enumerate(wanted):
        row = stored.get(name) or Disposition(project_id=project_id, name=name)
        row.position, row.retired_at = position, None
        uow.session.add(row)
    await uow.session.flush()
    audit(uow, "dispositions.set", "project", project_id or "", names=wanted)
    return await dispositions(uow, project_id)


def normalised(number: str, region: str) -> str:
    """Return a dialled number the way it is stored: E.164 where it is a valid number, else as it came."""
    return numbers.parse(number, region).e164 or number.strip()


def _tail(number: str) -> str:
    """Return the last nine digits, "" for what is shorter."""
    digits = "".join(character for character in number if character.isdigit())
    return digits[-_LAST:] if len(digits) >= _LAST else ""


async def _get(uow: UnitOfWork, project_id: int) -> Project:
    project = await uow.session.get(Project, project_id, options=[selectinload(Project.numbers)])
    if project is None:
        raise NotFound("There is no such project.")
    return project


async def _list(uow: UnitOfWork, user_id: int | None) -> list[ProjectOut]:
    query = select(Project).options(selectinload(Project.numbers)).order_by(Project.name)
    if user_id is not None:
        query = query.join(Membership, Membership.project_id == Project.id).where(Membership.user_id == user_id)
    projects = list(await uow.session.scalars(query))
    people = await _members_by_project(uow, [project.id for project in projects])
    return [_out(project, people.get(project.id, [])) for project in projects]


async def _members_by_project(uow: UnitOfWork, project_ids: Sequence[int]) -> dict[int, list[int]]:
    query = select(Membership).where(Membership.project_id.in_(project_ids)).order_by(Membership.user_id)
    found: dict[int, list[int]] = {}
    for row in await uow.session.scalars(query):
        found.setdefault(row.project_id, []).append(row.user_id)
    return found


async def _write(uow: UnitOfWork, project: Project, data: ProjectInput) -> None:
    own = project.id or 0
    if await uow.session.scalar(select(Project.id).where(Project.name == data.name, Project.id != own)) is not None:
        raise _taken(data.name)
    caller_id = normalised(data.caller_id, data.region) if data.caller_id else ""
    await _check_trunk(uow, data.trunk_id, caller_id)
    wanted = list(dict.fromkeys(normalised(number, data.region) for number in data.numbers if number.strip()))
    await _check_numbers(uow, own, wanted)
    for field, value in data.model_dump(exclude={"numbers", "caller_id"}).items():
        setattr(project, field, value)
    project.caller_id = caller_id
    kept = {row.number: row for row in project.numbers}
    project.numbers = [kept.get(number) or ProjectNumber(number=number, tail=_tail(number)) for number in wanted]
    uow.session.add(project)
    try:
        await uow.session.flush()
    except IntegrityError as error:
        raise _taken(data.name) from error


def _check_telling(uow: UnitOfWork, data: ProjectInput, *, told_before: bool) -> None:
    """Let nobody decide alone to listen unnoticed who will do the listening."""
    if told_before and not data.tell_listening and rights.reach(uow.actor.role, Act.HIDE_LISTENING) is Reach.NONE:
        raise NotPermitted("Only an administrator may decide that consultants are not told when somebody listens.")


async def _check_trunk(uow: UnitOfWork, trunk_id: int | None, caller_id: str) -> None:
    if trunk_id is None:
        return
    trunk = await uow.session.get(Trunk, trunk_id)
    if trunk is None:
        raise Invalid("There is no such trunk.", field="trunk_id")
    if caller_id and caller_id not in trunk.caller_ids:
        raise Invalid(
            "The caller id {caller_id} is not verified for trunk {trunk}. Add it to the trunk first.",
            field="caller_id",
            caller_id=caller_id,
            trunk=trunk.name,
        )


async def _check_numbers(uow: UnitOfWork, own: int, wanted: Sequence[str]) -> None:
    query = select(ProjectNumber.number, Project.name).join(Project, Project.id == ProjectNumber.project_id)
    taken = (await uow.session.execute(query.where(ProjectNumber.number.in_(wanted), Project.id != own))).first()
    if taken is not None:
        raise Invalid("{number} belongs to project {project} already.", field="numbers", number=taken[0], project=taken[1])


def _taken(name: str) -> Conflict:
    return Conflict("Another project is called {name}, or has one of these numbers.", name=name)


def _out(project: Project, people: list[int]) -> ProjectOut:
    fields = {name: getattr(project, name) for name in ProjectOut.model_fields if name not in ("numbers", "members")}
    return ProjectOut.model_validate({**fields, "numbers": [row.number for row in project.numbers], "members": people})
