"""A `StoreConfig` in, a client out, and the server's refusals as sentences: the only door to the `elasticsearch` package in this room.

Client 8.19 talks to servers 8.19 and 9.x; client 9.x is refused by servers 8.x (400, media_type_header_exception).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import elasticsearch
import orjson
from elastic_transport import NdjsonSerializer, OrjsonSerializer, Transport, TransportApiResponse
from elasticsearch import ApiError, ConnectionTimeout, Elasticsearch, SerializationError, TransportError
from elasticsearch.exceptions import SSLError, UnsupportedProductError

from soc.errors import SocError, UnreachableError
from soc.store import opensearch
from soc.store.config import ELASTICSEARCH_PORT, StoreConfig

Client = Elasticsearch
"""What `connect` gives, for who holds one without knowing the package."""

WORTH_A_RETRY = frozenset({429, 502, 503, 504})
"""Statuses that pass: busy (429), nodes that start or move and the proxies before them (5xx)."""

BLOCKED = "cluster_block_exception"
"""Type of what is refused because an index is closed for writing: the disk is full (429, or 403 in old versions), or somebody said so."""

PAUSES_S = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
"""Before each new attempt: 12.7 s in all, then the caller hears of it and keeps what it has."""


_PART = 160
"""Characters of each cause of an error that are told."""


def wait(seconds: float) -> None:
    """As time.sleep, by a clock that no step of the wall clock moves."""
    threading.Event().wait(seconds)


class _Patient(Transport):
    """Sends a request again after a pause while the answer is one that passes (the package's own retries make no pause), and finds out
    before the first one what answers: Elasticsearch, or OpenSearch, which is asked in its own words.
    """

    _opensearch: bool | None = None

    def perform_request(self, method: str, target: str, **options: Any) -> TransportApiResponse:
        if self._opensearch is None:
            self._opensearch = self._is_opensearch(options)
        if not self._opensearch:
            return self._patiently(method, target, **options)
        asked_headers, asked_body = options.pop("headers", {}), options.pop("body", None)
        method, path, headers, body = opensearch.asked(method, target, asked_headers, asked_body)
        response = self._patiently(method, path, headers=headers, body=body, **options)
        return TransportApiResponse(response.meta, opensearch.answered(target, response.body))

    def _is_opensearch(self, options: Mapping[str, Any]) -> bool | None:
        """None: what answers does not say. Raises: UnsupportedProductError where it says that it is something else."""
        headers = {name: value for name, value in options["headers"].items() if name.lower() == "authorization"}
        rest = {name: value for name, value in options.items() if name not in ("headers", "body", "otel_span")}
        meta, body = self._patiently("GET", "/", headers={**headers, "accept": "application/json"}, **rest)
        if meta.headers.get("x-elastic-product") == "Elasticsearch":
            return False
        if not 200 <= meta.status < 300:
            return None
        if isinstance(body, dict) and body.get("version", {}).get("distribution") == "opensearch":
            return True
        raise UnsupportedProductError("neither Elasticsearch nor OpenSearch", meta=meta, body=body)

    def _patiently(self, method: str, target: str, **options: Any) -> TransportApiResponse:
        for pause in PAUSES_S:
            response = super().perform_request(method, target, **options)
            if response.meta.status not in WORTH_A_RETRY:
                return response
            wait(pause)
        return super().perform_request(method, target, **options)


class _OrjsonNdjson(NdjsonSerializer):
    """Bodies of lines by orjson (144,000 documents a CPU second against 45,000), and as they are where they are bytes."""

    def dumps(self, data: Any) -> Any:
        return data if isinstance(data, bytes | bytearray) else super().dumps(data)

    def json_loads(self, data: bytes | str) -> Any:
        return orjson.loads(data)

    def json_dumps(self, data: Any) -> bytes:
        return orjson.dumps(data)


def connect(config: StoreConfig) -> Elasticsearch:
    """A client for the hosts of the configuration; asks none of them yet. Raises: SocError where key or certificates cannot be read."""
    key = _secret("api_key_file", config.api_key_file)
    password = _secret("password_file", config.password_file)
    logging.getLogger("elastic_transport").setLevel(logging.ERROR)  # what fails is raised from here, in one sentence
    options: dict[str, Any] = {}
    if config.ca_file is not None:
        if not config.ca_file.is_file():
            raise SocError(f"ca_file {config.ca_file} does not exist")
        options["ca_certs"] = str(config.ca_file)
    client = Elasticsearch(
        [_with_port(host) for host in config.hosts],
        api_key=key,
        basic_auth=(config.user, password) if password is not None else None,
        request_timeout=config.timeout.total_seconds(),
        max_retries=len(config.hosts) - 1,  # each host once; after that the caller decides
        retry_on_status=(),
        transport_class=_Patient,
        serializers={"application/json": OrjsonSerializer(), "application/x-ndjson": _OrjsonNdjson()},
        **options,
    )
    client._verified_elasticsearch = True  # _Patient looks what answers; the package knows one of the two
    return client


def _secret(name: str, path: Path | None) -> str | None:
    try:
        return None if path is None else path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SocError(f"{name} {path}: {error}") from error


def _with_port(host: str) -> str:
    return host if urlsplit(host).port else f"{host.rstrip('/')}:{ELASTICSEARCH_PORT}"


@contextmanager
def answering() -> Iterator[None]:
    """Around calls of the client. Raises: UnreachableError where the same call may succeed later, SocError where a person must act."""
    try:
        yield
    except ApiError as error:
        raise _refusal(error) from error
    except SSLError as error:
        raise SocError(
            f"Elasticsearch: TLS: {_first_line(error)}; is ca_file the authority that signed the server's certificate?"
        ) from error
    except ConnectionTimeout as error:
        raise UnreachableError(f"Elasticsearch does not answer in time: {_first_line(error)}") from error
    except SerializationError as error:
        raise SocError("Elasticsearch: the answer is not JSON; is this the address of a proxy?") from error
    except TransportError as error:
        raise UnreachableError(f"Elasticsearch cannot be reached: {_first_line(error)}") from error


def _refusal(error: ApiError) -> SocError:
    status, reason = error.meta.status, reason_of(error.body)
    if isinstance(error, UnsupportedProductError):
        return SocError("what answers at this address is neither Elasticsearch nor OpenSearch")
    if "media_type_header_exception" in reason:
        version = ".".join(map(str, elasticsearch.__version__))
        return SocError(
            f"the server refuses the Elasticsearch client {version}: install elasticsearch>=8.19,<9, which talks to servers 8 and 9"
        )
    if status == 401:
        return SocError(f"Elasticsearch does not know this API key or user (401): {reason}")
    if status == 403 and reason.startswith(BLOCKED):
        return UnreachableError(f"Elasticsearch takes nothing now ({status}): {reason}")
    if status == 403:
        return SocError(f"Elasticsearch does not allow this to the API key or user (403): {reason}")
    if status in WORTH_A_RETRY:
        return UnreachableError(f"Elasticsearch cannot do it now ({status}): {reason}")
    return SocError(f"Elasticsearch refuses ({status}): {reason}")


def reason_of(body: object) -> str:
    """Type and reason of an error as the server words it, of a search as its first shard does, with its causes; at most 500 characters."""
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return str(error)[:500]
    parts = []
    shards = error.get("failed_shards")
    cause: object = shards[0].get("reason") if shards else error
    while isinstance(cause, dict):
        said = " ".join(str(cause.get("reason", "")).split())  # it may quote the whole query
        parts.append(f"{cause.get('type', 'error')}: {said[:_PART]}{'…' if len(said) > _PART else ''}")
        cause = cause.get("caused_by")
    return "; ".join(dict.fromkeys(parts))[:500]


def _first_line(error: TransportError) -> str:
    return str(error.message).split("\n", 1)[0][:300]
