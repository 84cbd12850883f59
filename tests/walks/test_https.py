"""`callcenter serve --tls-cert --tls-key`: pages, sign-in and the live connection over HTTPS."""

import datetime as dt
import ipaddress
import json
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.asyncio.client import connect
from websockets.typing import Origin

from tests.walks.whole import PASSWORD, Product, free_port, until


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate of 127.0.0.1 that it signed itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "callcenter")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return cert_file, key_file


@contextmanager
def serving(product: Product, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `callcenter serve` with options until the block ends."""
    with (product.folder / "serve.log").open("ab") as log:
        arguments = [sys.executable, "-m", "callcenter.main", "serve", *options]
        process = subprocess.Popen(arguments, env=product.environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@pytest.fixture
async def product(tmp_path: Path) -> Product:
    """Furnish a product that is not started yet."""
    found = Product(tmp_path / "data")
    found.folder.mkdir()
    await found.furnish(trunk_port=free_port())
    return found


async def test_people_sign_in_and_follow_what_happens_over_https(product: Product, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    trusted = ssl.create_default_context(cafile=str(cert))
    address = f"127.0.0.1:{product.http_port}"
    with serving(product, "--tls-cert", str(cert), "--tls-key", str(key)) as process:
        async with httpx.AsyncClient(base_url=f"https://{address}", verify=trusted, timeout=30) as browser:

            async def ready() -> bool:
                assert process.poll() is None, product.log()
                try:
                    return (await browser.get("/readyz")).status_code == 200
                except httpx.TransportError:
                    return False

            await until("the product to be ready", ready, 60)
            form = {"login": "consultant1", "password": PASSWORD}
            answer = await browser.post("/sign-in", data=form, headers={"Origin": f"https://{address}"})
            assert answer.status_code == 303, answer.text
            cookie = answer.headers["set-cookie"]
            assert cookie.startswith("callcenter_session=")
            assert {"Secure", "HttpOnly"} <= {part.strip() for part in cookie.split(";")}
            me = await browser.get("/api/v1/me")
            assert me.json()["user"]["login"] == "consultant1"

            carried = {"Cookie": f"callcenter_session={browser.cookies['callcenter_session']}"}
            live = f"wss://{address}/live?after={me.json()['seq']}"
            async with connect(live, ssl=trusted, origin=Origin(f"https://{address}"), additional_headers=carried) as socket:
                done = await browser.put(
                    "/api/v1/me/state", json={"state": "break", "reason": "Tea"}, headers={"Origin": f"https://{address}"}
                )
                assert done.is_success, done.text
                while True:
                    told = json.loads(await socket.recv())
                    if told["type"] == "agent.state":
                        break
                assert told["data"]["state"] == "break"

        with pytest.raises(httpx.TransportError):  # nobody listens without TLS there
            httpx.get(f"http://{address}/readyz", timeout=30)
    assert f"https://{address}" in product.log()
