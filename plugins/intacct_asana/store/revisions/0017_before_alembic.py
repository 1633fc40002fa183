"""Where Alembic begins: the store as the steps in `store/migrations.py` leave it."""

revision = "0017"
down_revision = None


def upgrade() -> None:
    """Nothing: the steps were here."""
