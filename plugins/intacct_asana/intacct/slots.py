"""How many calls to one company at once: kept by all processes of this machine together, through locked files.

Intacct limits a company, not a process, and a scheduler runs each task in a process of its own. Several machines do not see
each other's files; between them the limit is the Airflow pool's to keep, and a 429 is waited out.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import random
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from intacct_asana.errors import Misconfigured, TryLater

LONGEST_WAIT_SECONDS = 300.0
"""As long as one call may take. Whoever waited that long has its task retried by Airflow instead of holding a worker."""

PAUSE_SECONDS = (0.005, 0.05)
"""Between two looks for a free slot. Random, so that those who wait do not come back in step."""

NO_SLOT = "no_slot"
"""The code of the TryLater that says so."""

CURE = "Remove it, or set TMPDIR for the workers to a folder of their own."


class Slots:
    """`size` slots for one company, by gateway host and company id; connections to the same company share them.

    A slot is a file that its holder has locked, so it is free again when the holder ends, however it ends. Connections that
    ask for different sizes together never make more calls than the largest of them allows. Whoever is next in turn waits
    behind a turnstile, or a task that reads page after page would always be quicker than the others. Safe with threads and
    processes of one user; `folder` is made when it is missing.
    """

    def __init__(
        self,
        *,
        gateway_host: str,
        company_id: str,
        size: int,
        folder: Path | None = None,
        longest_wait_seconds: float = LONGEST_WAIT_SECONDS,
    ) -> None:
        # Intacct does not tell a company id's case apart.
        name = hashlib.sha256(f"{gateway_host}\n{company_id}".casefold().encode()).hexdigest()[:24]
        self.folder = folder or _own_folder()
        self.paths = [self.folder / f"{name}.{number}" for number in range(size)]
        self.turnstile = self.folder / f"{name}.turnstile"
        self.longest_wait_seconds = longest_wait_seconds

    @contextmanager
    def held(self, *, asked: str) -> Iterator[None]:
        """Holds a slot while the call runs. Raises TryLater when none became free in time, Misconfigured for the folder."""
        self._make_folder()
        deadline = time.monotonic() + self.longest_wait_seconds
        turn = self._locked_one([self.turnstile], deadline, asked)
        try:
            slot = self._locked_one(self.paths, deadline, asked)
        finally:
            os.close(turn)
        try:
            yield
        finally:
            os.close(slot)

    def _locked_one(self, paths: Sequence[Path], deadline: float, asked: str) -> int:
        """An open file that nobody else has locked; the lock ends when it is closed."""
        while True:
            for path in paths:
                if (found := _locked(path)) is not None:
                    return found
            if time.monotonic() >= deadline:
                raise TryLater(
                    f"{asked}: all {len(self.paths)} calls that this machine may make to the company at once were taken for "
                    f"{self.longest_wait_seconds:.0f} seconds; nothing was sent",
                    code=NO_SLOT,
                )
            time.sleep(random.uniform(*PAUSE_SECONDS))  # noqa: S311 - nothing secret

    def _make_folder(self) -> None:
        """The temporary folder is everybody's: a folder that another user made or may write in is not trusted."""
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            found = self.folder.lstat()
        except OSError as error:
            raise Misconfigured(f"The folder {self.folder} cannot be used: {error.strerror}. {CURE}") from error
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
            raise Misconfigured(f"The folder {self.folder} belongs to others or may be written by them. {CURE}")


def _own_folder() -> Path:
    try:
        return Path(tempfile.gettempdir()) / f"intacct-asana-{os.getuid()}"
    except OSError as error:
        raise Misconfigured(f"There is no folder for temporary files. {CURE}") from error


def _locked(path: Path) -> int | None:
    """The file, open and locked, or None when somebody has it."""
    try:
        slot = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # What clears old temporary files must not take one that is in use: others would lock a new one beside it.
            os.utime(slot)
        except OSError:
            os.close(slot)
            raise
    except BlockingIOError:
        return None
    except OSError as error:
        raise Misconfigured(f"The file {path} cannot be used: {error.strerror}. {CURE}") from error
    return slot
