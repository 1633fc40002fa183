"""Secrets at rest, encrypted with Airflow's own Fernet key. Only the API server seals and opens."""

from __future__ import annotations

from airflow.sdk.crypto import get_fernet

from intacct_asana.errors import Misconfigured


class FernetSeal:
    """Seals with `[core] fernet_key`; several keys, comma-separated, open what an older one sealed."""

    def close(self, secret: str) -> str:
        fernet = get_fernet()
        if not fernet.is_encrypted:
            raise Misconfigured("Airflow has no fernet_key, so a webhook's secret could not be kept safely. Set one.")
        return fernet.encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str:
        from cryptography.fernet import InvalidToken

        try:
            return get_fernet().decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise Misconfigured(
                "The webhook's secret was sealed with a Fernet key that Airflow no longer has. Add the old key to "
                "fernet_key, or wait: a webhook whose deliveries fail is made anew."
            ) from error
