"""Lines to InfluxDB 2 and 3, by influxdb-client.

Loading this takes some 25 MB and an eighth of a second, so `server` does it when there is such a
server. Batches and retries of influxdb-client are off: they live in memory, and give up.
"""

from __future__ import annotations

import ssl

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.rest import ApiException
from influxdb_client.service.write_service import WriteService

from gateway.influxdb.answers import Reply, ServerError, on_fault
from gateway.settings.influxdb import InfluxDB


class Client:
    """Writes to one InfluxDB 2 or 3. Any number of threads may call."""

    def __init__(
        self,
        section: InfluxDB,
        token: str,
        timeout: float,
        parallel: int,
        context: ssl.SSLContext | None,
    ) -> None:
        """`timeout` in seconds, for each step of a request; `parallel` connections are kept."""
        self._section = section
        self._timeout = timeout
        wait = round(timeout * 1000)
        self._client = InfluxDBClient(
            section.url,
            token,
            timeout=(wait, wait),
            retries=False,
            connection_pool_maxsize=parallel,
            ssl_context=context,
        )
        # Its WriteApi would do the same and not tell the status: a login page's 200 is no 204.
        self._service = WriteService(self._client.api_client)

    def write(self, body: bytes, encoding: str) -> Reply:
        """Return what the server answers. ServerError, or urllib3's HTTPError, if it does not."""
        try:
            _, status, headers = self._service.post_write_with_http_info(
                self._section.organization,
                self._section.database,
                body,
                precision="ns",
                **({"content_encoding": encoding} if encoding else {}),
            )
        except ApiException as error:
            if not error.status:  # it keeps only the text of what went wrong with TLS
                reason = error.__context__ or error
                raise on_fault(reason, self._section, self._timeout) from None
            return Reply(error.status, error.headers or {}, (error.body or "").encode())
        except UnicodeDecodeError:
            raise ServerError(
                f"{self._section.url} answers what is no text",
                "Check that url is the address of an InfluxDB",
            ) from None
        return Reply(status, headers, b"")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
