"""What a process that dies leaves under way: its calls end with it, and so do those of the threads that stand for it."""

from __future__ import annotations

import threading
import time


def until_ended(prefix: str = "journal") -> None:
    """Waits for the writes that the dead run had begun: alive, they would go out in the middle of the next one."""
    while any(thread.name.startswith(prefix) and thread.is_alive() for thread in threading.enumerate()):
        time.sleep(0.001)
