"""The installed command: `callcenter pacer` loads pacing alone; everything else is the whole command line."""

import sys

import typer


def run() -> None:
    """Run the command line."""
    if sys.argv[1:2] == ["pacer"]:
        from callcenter.main.pacer import command  # noqa: PLC0415 - see above

        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command()(command)
        alone(args=sys.argv[2:], prog_name="callcenter pacer")
    else:
        from callcenter.main import cli  # noqa: PLC0415

        cli.run()
