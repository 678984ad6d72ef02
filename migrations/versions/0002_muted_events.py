"""Remembers which events nobody was told of because people wanted to hear nothing: they are told afterwards."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("incident_events", sa.Column("muted", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "ix_incident_events_muted",
        "incident_events",
        ["incident_id"],
        unique=False,
        sqlite_where=sa.text("muted"),
        postgresql_where=sa.text("muted"),
    )
