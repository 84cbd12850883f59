"""`callcenter trunk`: connections to carriers."""

from typing import Annotated

import typer

from callcenter import jobs
from callcenter.db import UnitOfWork
from callcenter.main.commanding import in_transaction, read_password
from callcenter.trunks import service as trunks
from callcenter.trunks.service import TrunkInput, TrunkOut, TwilioInput, TwilioOut
from callcenter.trunks.twilio import FOUR_HOURS

trunk_app = typer.Typer(no_args_is_help=True, help="Connections to carriers.")


@trunk_app.command("add")
def add_trunk(
    name: Annotated[str, typer.Argument()],
    host: Annotated[str, typer.Option(help="The carrier's host or address.")],
    port: Annotated[int, typer.Option(help="Its SIP port.")] = 5060,
    username: Annotated[str, typer.Option(help="Account at the carrier.")] = "",
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")] = False,
    register: Annotated[bool, typer.Option("--register", help="Register with the carrier.")] = False,
    trusted: Annotated[bool, typer.Option("--trusted", help="Believe the caller identity it asserts.")] = False,
    allow: Annotated[list[str] | None, typer.Option(help="CIDR calls may come from; may be repeated.")] = None,
    caller_id: Annotated[list[str] | None, typer.Option(help="Number we may show; may be repeated.")] = None,
) -> None:
    """Add a SIP trunk."""
    password = read_password("Password at the carrier") if password_stdin else ""
    data = TrunkInput(
        name=name,
        host=host,
        port=port,
        username=username,
        password=password,
        register_=register,
        trusted=trusted,
        allow=allow or [],
        caller_ids=caller_id or [],
    )

    async def work(uow: UnitOfWork) -> TrunkOut:
        await jobs.put(uow, "configure_trunks", "configure_trunks", uow.now)  # a contact centre that runs tells its switch
        return await trunks.add_trunk(uow, data)

    trunk = in_transaction(work)
    typer.echo(f"Added trunk {trunk.name}, id {trunk.id}.")


@trunk_app.command("add-twilio")
def add_twilio(
    name: Annotated[str, typer.Argument()],
    account_sid: Annotated[str, typer.Option(help="The account's SID, AC...")],
    number: Annotated[list[str], typer.Option(help="A number of the account, with +; may be repeated.")],
    public_url: Annotated[str, typer.Option(help="https://HOST Twilio reaches us by; empty: CALLCENTER_PUBLIC_URL.")] = "",
    api_key: Annotated[str, typer.Option(help="SID of an API key, SK...; its secret is the second line.")] = "",
    stream_url: Annotated[str, typer.Option(help="Where audio streams connect; empty: wss://HOST/streams.")] = "",
    api_url: Annotated[str, typer.Option(help="A gateway of your own instead of Twilio.")] = "",
    calls_per_second: Annotated[float, typer.Option(help="Calls the account may begin in a second.")] = 1.0,
    machine_detection: Annotated[bool, typer.Option("--machine-detection", help="Find answering machines.")] = False,
    longest_call: Annotated[int, typer.Option(help="Seconds after which a call is hung up; 0: never.")] = FOUR_HOURS,
    minute_price: Annotated[str, typer.Option(help="What a started minute of a call that leaves costs.")] = "0",
    daily_spend: Annotated[str, typer.Option(help="What calls may cost in a day (UTC); 0: no limit.")] = "0",
) -> None:
    """Add a Twilio account as a trunk; the auth token comes on standard input, the API key's secret on a second line."""
    token = read_password("Auth token")
    secret = read_password("Secret of the API key") if api_key else None
    data = TwilioInput(
        kind="twilio",
        name=name,
        account_sid=account_sid,
        auth_token=token,
        api_key=api_key,
        api_secret=secret,
        public_url=public_url,
        stream_url=stream_url,
        api_url=api_url,
        caller_ids=number,
        calls_per_second=calls_per_second,
        machine_detection=machine_detection,
        longest_call_seconds=longest_call,
        minute_price=minute_price,
        daily_spend=daily_spend,
    )

    async def work(uow: UnitOfWork) -> TwilioOut:
        await jobs.put(uow, "configure_trunks", "configure_trunks", uow.now)
        return await trunks.add_trunk(uow, data)

    trunk = in_transaction(work)
    typer.echo(f"Added trunk {trunk.name}, id {trunk.id}. Its webhooks begin with {trunk.webhook_url}")
