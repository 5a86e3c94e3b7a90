"""While a listener's certificate is renewed nobody is disconnected."""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path

from gateway.certificates.accepting import Place, accept
from gateway.certificates.request import request
from gateway.listener.authority import pem
from gateway.mqtt import packets as p
from gateway.mqtt.codec import V5
from tests.gateway.certificates.company import NOW, Company
from tests.gateway.listener.serving import Wire, message, serving


def shown(wire: Wire) -> bytes:
    connection: ssl.SSLObject = wire.writer.get_extra_info("ssl_object")
    return connection.getpeercert(binary_form=True) or b""


async def test_an_mqtt_connection_goes_on_while_the_certificate_is_renewed(tmp_path: Path) -> None:
    folder, company = tmp_path / "tls", Company()
    client = ssl.create_default_context(cadata=pem(company.root).decode())

    def renew(days: int) -> bytes:
        one = company.sign(request(folder, ["localhost"]).request, ends=NOW + timedelta(days=days))
        content = [(pem(one), "server"), (company.chain(), "chain")]
        accept(Place.of(folder), content, names=["localhost"], roots=(), now=NOW)
        return ssl.PEM_cert_to_DER_cert(pem(one).decode())

    first = renew(100)
    tls = {"certificate": folder / "server.pem", "key": folder / "server.key"}
    async with serving(tmp_path, port={"tls": tls}) as door:
        token = await door.add("truck", speaks_for=("d-1",))

        async def enter(client_id: str) -> Wire:
            wire = await door.wire(V5, ssl=client, server_hostname="localhost")
            who = p.Connect(client_id, version=V5, username="truck", password=token.encode())
            assert isinstance(await wire.ask(who), p.Connack)
            return wire

        standing = await enter("one")
        assert shown(standing) == first
        assert await standing.ask(message(1)) == p.Puback(1)
        second = renew(200)
        assert set(door.listener.certificates().values()) == {None}
        assert await standing.ask(message(2)) == p.Puback(2)
        assert shown(await enter("two")) == second
        assert await standing.ask(message(3)) == p.Puback(3)
        assert await door.stored() == [1, 2, 3]
