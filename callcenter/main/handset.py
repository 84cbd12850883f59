"""`callcenter handset`: one more customer of the built-in carrier, as a telephone of its own."""

from pathlib import Path
from typing import Annotated

import typer

from callcenter.config import Settings

handset_app = typer.Typer(no_args_is_help=True, help="One more customer of the built-in carrier, as a telephone of its own.")

As = Annotated[str, typer.Option("--as", help="Number to be; empty: a spare one.")]
Seconds = Annotated[float, typer.Option(help="Stop after this long; 0: when the other end hangs up.")]
Tone = Annotated[int, typer.Option(help="Hum this pitch (Hz) instead of speaking.")]
Record = Annotated[Path | None, typer.Option(help="Write what is heard to this WAV file.")]


@handset_app.command("call")
def handset_call(
    number: Annotated[str, typer.Argument(help="Whom to call; empty: the demo project.")] = "",
    as_number: As = "",
    seconds: Seconds = 0,
    tone: Tone = 0,
    record: Record = None,
) -> None:
    """Call a number through the built-in carrier, as a customer."""
    from telephony.lab import customers, handset  # noqa: PLC0415 - pyVoIP is loaded by the handset alone

    me = as_number or customers.HANDSET_NUMBER
    raise typer.Exit(handset.call(Settings(), number, as_number=me, seconds=seconds, tone=tone, record=record))


@handset_app.command("wait")
def handset_wait(
    ring: Annotated[float, typer.Option(help="Seconds to ring before answering.")] = 3,
    as_number: As = "",
    seconds: Seconds = 0,
    tone: Tone = 0,
    record: Record = None,
) -> None:
    """Register with the built-in carrier and answer the calls that come."""
    from telephony.lab import customers, handset  # noqa: PLC0415

    me, limit = as_number or customers.HANDSET_NUMBER, seconds or handset.LONGEST
    raise typer.Exit(handset.wait(Settings(), as_number=me, ring=ring, seconds=limit, tone=tone, record=record))
