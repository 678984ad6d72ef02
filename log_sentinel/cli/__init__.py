"""The command line: one module per command group."""


def main() -> None:
    """Runs the command that was asked for and exits with its code; nothing a user can cause ends in a traceback."""
    from log_sentinel.cli import commands, exits

    exits.run(commands.program())
