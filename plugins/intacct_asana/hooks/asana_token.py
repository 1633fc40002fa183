"""The bearer token of a request: the connection's own, or one that OAuth renews every hour."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from airflow.sdk.log import mask_secret

from intacct_asana.protocol.asana_oauth import AccessToken

MARGIN_SECONDS = 60.0


class TokenSource(Protocol):
    def bearer(self) -> str:
        """The token to send now."""
        ...

    def renew(self, used: str) -> bool:
        """Asana refused `used`. True when another one can be had and the call is worth repeating."""
        ...


class FixedToken:
    """A personal access token or a service account's: it does not end, so a refusal is final."""

    def __init__(self, token: str) -> None:
        self._token = token

    def bearer(self) -> str:
        return self._token

    def renew(self, used: str) -> bool:
        return False


class RenewedToken:
    """An OAuth access token, fetched when it is first needed and again shortly before it ends. Thread-safe."""

    def __init__(self, fetch: Callable[[], AccessToken], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch, self._clock = fetch, clock
        self._lock = threading.Lock()
        self._token, self._good_until = "", 0.0

    def bearer(self) -> str:
        with self._lock:
            if not self._token or self._clock() >= self._good_until:
                self._refresh()
            return self._token

    def renew(self, used: str) -> bool:
        with self._lock:
            # Another thread may have renewed it while this call was under way.
            if self._token == used:
                self._refresh()
            return True

    def _refresh(self) -> None:
        found = self._fetch()
        mask_secret(found.text)
        self._token = found.text
        self._good_until = self._clock() + max(0.0, found.lifetime_seconds - MARGIN_SECONDS)
