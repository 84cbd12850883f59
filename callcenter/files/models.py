"""Files and their parts."""

import datetime as dt

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base


class File(Base):
    """A file: its name as a person gave it, its media type as its octets say, its size in octets.

    `complete_at` is null while it is written; one that stays so, or that nothing attaches, is swept (service.sweep).
    `attached`: something refers to it; who lets go of a file deletes it.
    """

    __tablename__ = "files"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int] = mapped_column(default=0)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[dt.datetime] = mapped_column(index=True)
    complete_at: Mapped[dt.datetime | None]
    attached: Mapped[bool] = mapped_column(default=False)


class FilePart(Base):
    """At most PART octets of a file, in order of `n`: small, so that no transaction with one takes long."""

    __tablename__ = "file_parts"
    file_id: Mapped[int] = mapped_column(ForeignKey("files.id", ondelete="CASCADE"), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[bytes] = mapped_column(LargeBinary)
