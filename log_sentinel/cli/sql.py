"""`log-sentinel sql`: questions to the database that nobody foresaw, answered without any way to change it."""

import sys
from typing import Annotated

import typer

from log_sentinel.cli import opening
from log_sentinel.cli.exits import BAD_SETTINGS, Failed
from log_sentinel.cli.options import ConfigFile, DatabaseUrl, Output
from log_sentinel.cli.output import Shape, show


def register(app: typer.Typer) -> None:
    app.command("sql")(query)


def query(
    text: Annotated[str, typer.Argument(metavar="QUERY", help="One SELECT, or - to read it from stdin.")],
    *,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many rows at most.")] = 10_000,
    timeout: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="How long it may take.")] = 10.0,
    config: ConfigFile = None,
    db: DatabaseUrl = None,
    output: Output = Shape.TABLE,
) -> None:
    """Run one SELECT; the database itself refuses everything else.

    The views denials_hourly, top_clients_24h, denial_ratio_by_route and open_incidents answer what is asked most.
    Times are UTC: log-sentinel sql "select * from denials where time >= '2026-11-24 10:00' limit 20"
    """
    from log_sentinel.store import adhoc

    question = sys.stdin.read() if text == "-" else text
    with opening.database(opening.settings(config, db)) as database:
        try:
            with adhoc.ask(database, question, adhoc.Limits(rows=limit, seconds=timeout)) as answer:
                show(answer.columns, answer.rows, output)
        except adhoc.NoReader as refused:
            raise Failed("\n".join((str(refused), *refused.statements)), BAD_SETTINGS) from None
    if answer.truncated:
        print(f"These are the first {limit} rows (--limit); there are more.", file=sys.stderr)
