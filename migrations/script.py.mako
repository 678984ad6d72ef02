"""${message}"""

import sqlalchemy as sa
from alembic import op

from log_sentinel.store.stored_values import Json, UtcTime

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
