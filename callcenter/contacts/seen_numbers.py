"""The numbers and e-mail addresses a file of contacts has had so far, on disk: memory must not grow with a file's rows."""

import sqlite3
from types import TracebackType
from typing import Self

_CACHE_KIBIBYTES = 8192


class SeenNumbers:
    """Each E.164 number with the first line it stood on, in a private temporary database that goes with `close`.

    Used by one thread at a time, not always the same one.
    """

    def __init__(self) -> None:
        # No name: a temporary file that SQLite deletes itself (https://sqlite.org/inmemorydb.html#temp_db).
        self._database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        for each in (f"cache_size = -{_CACHE_KIBIBYTES}", "journal_mode = OFF", "synchronous = OFF", "temp_store = FILE"):
            self._database.execute(f"PRAGMA {each}")
        self._database.execute("CREATE TABLE seen (number INTEGER PRIMARY KEY, line INTEGER NOT NULL)")
        self._database.execute("CREATE TABLE said (word TEXT PRIMARY KEY, line INTEGER NOT NULL) WITHOUT ROWID")

    def first_line(self, number: int, line: int) -> int:
        """Return the line `number` stood on first; that is `line` when it was not seen before."""
        if self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (number, line)).rowcount:
            return line
        (first,) = self._database.execute("SELECT line FROM seen WHERE number = ?1", (number,)).fetchone()
        return int(first)

    def first_line_of(self, word: str, line: int) -> int:
        """Return the line a word (an e-mail address) stood on first, as first_line does."""
        if self._database.execute("INSERT OR IGNORE INTO said VALUES (?, ?)", (word, line)).rowcount:
            return line
        (first,) = self._database.execute("SELECT line FROM said WHERE word = ?1", (word,)).fetchone()
        return int(first)

    def close(self) -> None:
        """Forget everything."""
        self._database.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close it."""
        self.close()
