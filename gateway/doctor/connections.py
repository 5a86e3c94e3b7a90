"""Whoever connects to us, and whomever we connect to. Nothing is sent but a greeting."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import closing
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiomqtt

from gateway.aside import aside
from gateway.brokers import broker_settings, publishing_client
from gateway.doctor.case import Case, Finding, advice, ok, problem
from gateway.influxdb.server import Server
from gateway.influxdb.setup import try_out
from gateway.settings.channels import Email, Webhook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.settings import Broker
    from gateway.settings.influxdb import InfluxDB

WITHIN = 5.0
"""Seconds that somebody may take to answer."""
REFUSED = 128
"""A broker's answer to a subscription from here on is a refusal."""


def _greet(host: str, port: int, *, tls: bool) -> None:
    """Connect, and speak TLS where it is to be. Raises OSError, of which ssl.SSLError is one."""
    with closing(socket.create_connection((host, port), WITHIN)) as plain:
        if not tls:
            return
        # Whether it is trusted is asked of the certificate itself: here, whether it is shown.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(plain, server_hostname=host):
            pass


def _why(error: OSError) -> str:
    return str(error.strerror or error)


def ports(case: Case) -> Iterator[Finding]:
    """Look whether the ports answer on which sensors and browsers connect."""
    if case.running is None:
        return
    doors = [
        (one.host, one.port, one.tls is not None, "[[listeners]]")
        for one in case.settings.listeners
    ]
    web = case.settings.web
    if web is not None:
        doors.append((web.host, web.port, web.tls is not None, "[web]"))
    for host, port, tls, section in doors:
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - looked up, not bound
        try:
            _greet(here, port, tls=tls)
        except OSError as error:
            words = f"{section} {here}:{port} does not answer: {_why(error)}"
            yield problem(words, "See the log of the gateway; start it again")
        else:
            yield ok(f"{section} {here}:{port} answers" + (" with TLS" if tls else ""))


def brokers(case: Case) -> Iterator[Finding]:
    """Join each broker under another client id, and ask for its topics."""
    for one in case.settings.brokers:
        yield asyncio.run(_join(case, one))


async def _join(case: Case, section: Broker) -> Finding:
    where = f"broker {section.name} ({section.host}:{section.port})"
    cure = "Check host, port, tls, username and password_file; see the broker's own log"
    refused = []
    try:
        settings = broker_settings(case.settings, section)
        async with (
            asyncio.timeout(2 * WITHIN),
            publishing_client(settings, "doctor", WITHIN) as client,
        ):
            for topic in section.topics:
                granted = await client.subscribe(topic, qos=1)
                codes = [getattr(code, "value", code) for code in granted]
                refused += [topic for code in codes if code >= REFUSED]
    except (aiomqtt.MqttError, OSError, TimeoutError) as error:
        return problem(f"{where} lets us not in: {str(error) or 'no answer'}", cure)
    if refused:
        right = f"Give the user {section.username or '(without a name)'} the right to read it"
        return problem(f"{where} refuses the topic {refused[0]}", f"{right} in the broker's ACL")
    return ok(
        f"{where} lets us read {', '.join(section.topics)}; how much it keeps while we are away is "
        "its own setting (Mosquitto: max_queued_messages)"
    )


def influxdb(case: Case) -> Iterator[Finding]:
    """Try each InfluxDB; nothing is written."""
    for section in case.settings.influxdb:
        yield asyncio.run(_try(section))


async def _try(section: InfluxDB) -> Finding:
    server = Server(section, timeout=WITHIN)
    try:
        async with asyncio.timeout(2 * WITHIN):
            tried = await aside(lambda: try_out(server, section))
    except TimeoutError:
        words = f"InfluxDB {section.name}: {section.url} does not answer"
        return problem(words, "See that it runs, and check url")
    finally:
        server.close()
    if tried.ok:
        return ok(f"InfluxDB {section.name}: {tried.says}")
    return problem(f"InfluxDB {section.name}: {tried.says}", tried.cure)


def people(case: Case) -> Iterator[Finding]:
    """Look whether people can be reached: by channels, and services that miss our heartbeat."""
    settings = case.settings
    if not settings.channels:
        yield advice(
            "nobody is told of alerts who does not look at the page",
            "Add a [[channels]] section: see docs/notifications.md",
        )
    if not settings.heartbeats:
        yield advice(
            "nobody notices when this machine dies",
            "Add a [[heartbeats]] section: see docs/operate.md",
        )
    doors = [
        (f"channel {one.name}", one.host, one.port)
        for one in settings.channels
        if isinstance(one, Email)
    ]
    addresses = [
        (f"channel {one.name}", one.url) for one in settings.channels if isinstance(one, Webhook)
    ]
    addresses += [(f"heartbeat {one.name}", one.address) for one in settings.heartbeats]
    for name, url in addresses:
        parts = urlsplit(url)
        usual = 443 if parts.scheme == "https" else 80
        doors.append((name, parts.hostname or "", parts.port or usual))
    for name, host, port in doors:
        shown = f"[{host}]" if _is_six(host) else host
        try:
            _greet(host, port, tls=False)
        except OSError as error:
            cure = "Check the address, the name server and the network"
            yield problem(f"{name}: {shown}:{port} is not reached: {_why(error)}", cure)
        else:
            yield ok(f"{name}: {shown}:{port} is reached")
    yield from _failing(case)


def _is_six(host: str) -> bool:
    try:
        return ip_address(host).version == 6
    except ValueError:
        return False


def _failing(case: Case) -> Iterator[Finding]:
    running = case.running or {"channels": (), "heartbeats": ()}
    for one in running["channels"]:
        if one["failing"] is not None:
            cure = f"holdwatch notify test {one['name']}, once that is mended"
            yield problem(f"channel {one['name']} fails: {one['problem']}", cure)
    for one in running["heartbeats"]:
        if not one["well"]:
            yield problem(f"heartbeat {one['name']} is not heard: {one['reason']}", "See there")
