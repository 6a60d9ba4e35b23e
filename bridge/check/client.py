"""An HTTP client that sends what Linnworks sends and records the general rules each response violates."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from typing import Any, NoReturn
from urllib.parse import quote, urlsplit

import requests

from bridge.check.exchange import Exchange, redacted
from bridge.check.manifest import Manifest
from bridge.check.response import EndpointResponse, Violation, string
from bridge.check.response_schemas import RESPONSE_SCHEMAS
from bridge.check.rule import EndpointMissing, RuleFailed, RuleSkipped
from bridge.check.schema import Aspect, mismatches
from bridge.check.schema_types import any_value

TIME_LIMIT = 10.0
"""Seconds after which Linnworks drops the connection."""
JSON_HEADERS = {"Content-Type": "application/json; charset=utf-8"}
FORM_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}
DEFAULT_SCOPES = "read write"
TOKEN_LIFETIME_USED = 0.9
"""Share of a bearer token's lifetime after which a new one is requested."""
MISSING_STATUSES = (404, 405, 501)
"""What frameworks answer when there is no handler at a URL."""
_TIME_WITH_SPACE = re.compile(rb'"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\dZ)"')

# AddNewUser creates the token of an integration, and GetConfiguratorSettings has none.
TOKEN_CALLS = tuple(name for name in RESPONSE_SCHEMAS if name not in ("AddNewUser", "GetConfiguratorSettings"))


@dataclass(frozen=True)
class ReceivedStatus:
    """The status of one response to a request that Linnworks may send, 0 when none arrived."""

    endpoint: str
    status: int
    exchange: Exchange | None


class LinnworksClient:
    """Sends requests as Linnworks does and records every violation of a general rule."""

    def __init__(
        self,
        manifest: Manifest,
        oauth: tuple[str, str] | None,
        timeout: float,
        open_session: Callable[[], requests.Session] = requests.Session,
    ) -> None:
        self.manifest = manifest
        self.oauth = oauth
        self.timeout = timeout
        self.open_session = open_session
        self.violations: list[Violation] = []
        self.timings: list[tuple[str, float]] = []
        self.statuses: list[ReceivedStatus] = []
        self.counts_unusual = False
        self.succeeded: set[str] = set()
        self.errors: dict[str, str] = {}
        self.typed_passwords: set[str] = set()
        self.password_leaks: list[tuple[str, Exchange]] = []
        self.tokens: set[str] = set()
        self.token_leaks: list[tuple[str, Exchange]] = []
        self.answered: set[str] = set()
        self.suspected_missing: set[str] = set()
        self.missing: dict[str, int] = {}
        self.iso_times = False
        self.last_exchange: Exchange | None = None
        self.secrets: set[str] = {oauth[1]} if oauth else set()
        self._bearer_token = ""
        self._bearer_token_until = 0.0
        self._session = open_session()
        # Compression is not requested, so that Content-Length can be compared with the body.
        self._session.headers.update({"Accept": "application/json", "Accept-Encoding": "identity"})

    def clone(self) -> LinnworksClient:
        """Return a client with its own HTTP connection, for another thread; secrets and violations are shared."""
        other = LinnworksClient(self.manifest, self.oauth, self.timeout, self.open_session)
        other.secrets, other.violations, other.timings = self.secrets, self.violations, self.timings
        other.statuses, other.succeeded, other.errors = self.statuses, self.succeeded, self.errors
        other.answered, other.suspected_missing, other.missing = self.answered, self.suspected_missing, self.missing
        other.typed_passwords, other.password_leaks = self.typed_passwords, self.password_leaks
        other.tokens, other.token_leaks = self.tokens, self.token_leaks
        other.iso_times = self.iso_times
        return other

    def close(self) -> None:
        """Close the HTTP connections."""
        self._session.close()

    def has_endpoint(self, name: str) -> bool:
        """Return whether the manifest names this endpoint."""
        return bool(self.manifest.url(name))

    def has_handler(self, name: str) -> bool:
        """Return whether the manifest names this endpoint and the application has been found to have it."""
        return self.has_endpoint(name) and name not in self.missing

    def url(self, name: str) -> str:
        """Return the URL of an endpoint, or raise RuleSkipped when the manifest or the application has none."""
        url = self.manifest.url(name)
        if not url:
            raise RuleSkipped(f"the manifest names no {name}Endpoint")
        if name in self.missing:
            raise EndpointMissing(f"{name} returns status {self.missing[name]}, see MAN-07")
        return url

    def call(self, name: str, token: Any, **fields: Any) -> EndpointResponse:
        """Call an endpoint for one integration, with times in the format that the application understands."""
        content = json.dumps({"AuthorizationToken": token, **fields}).encode()
        response = self.send(name, _TIME_WITH_SPACE.sub(rb'"\1T\2"', content) if self.iso_times else content)
        self.note_error(response)
        return response

    def post(self, name: str, body: dict[str, Any]) -> EndpointResponse:
        """Send a JSON object to an endpoint."""
        return self.send(name, json.dumps(body).encode())

    def send(
        self,
        name: str,
        content: bytes,
        *,
        method: str = "POST",
        url: str | None = None,
        headers: Mapping[str, str] = JSON_HEADERS,
        bearer_token: str | None = None,
        unusual: bool = False,
    ) -> EndpointResponse:
        """Send a body as it is and record the violations of the response; raise RuleFailed when it is unusable.

        An `unusual` request is one that Linnworks never sends: its violations are not recorded.
        """
        authorization = self.bearer_token() if bearer_token is None else bearer_token
        if authorization:
            headers = {**headers, "Authorization": f"Bearer {authorization}"}
        violations_before = len(self.violations)
        is_call = method == "POST" and url is None and "json" in headers.get("Content-Type", "")
        counted = is_call and (self.counts_unusual or not unusual)
        try:
            exchange = self._exchange(name, method, self.url(name) if url is None else url, content, headers, counted)
            if is_call:
                self._note_missing(name, exchange.status, unusual)
            if any(exchange.shows(password) for password in self.typed_passwords):
                self.password_leaks.append((name, exchange))
            if name != "AddNewUser" and any(exchange.reveals(token) for token in self.tokens):
                self.token_leaks.append((name, exchange))
            self._check_length(name, exchange)
            if exchange.seconds > TIME_LIMIT:
                self._record(Aspect.TIME, name, f"{name} took {exchange.seconds:.1f} s")
            return self._read(name, exchange)
        finally:
            if unusual:
                del self.violations[violations_before:]

    def bearer_token(self) -> str:
        """Return the bearer token of the calls, requested again before it expires; "" without OAuth."""
        if self.oauth and time.monotonic() > self._bearer_token_until:
            status, grant = self.request_token(self.oauth[1])
            token, lifetime = string(grant.get("access_token")), str(grant.get("expires_in"))
            if status != 200 or not token:
                raise RuleFailed(f"the token endpoint returned status {status} without an access_token")
            seconds = int(lifetime) if lifetime.isdigit() else 0
            self._bearer_token = token
            self._bearer_token_until = time.monotonic() + seconds * TOKEN_LIFETIME_USED
        return self._bearer_token

    def request_token(self, secret: str, with_scope: bool = True) -> tuple[int, dict[str, Any]]:
        """Return the status and the JSON object of the token endpoint's response to this client secret."""
        client_id = self.oauth[0] if self.oauth else ""
        # The space in scope stays unencoded, as Linnworks leaves it.
        scope = f"&scope={self.manifest.text('OAuthScopesRequested') or DEFAULT_SCOPES}" if with_scope else ""
        form = (
            f"grant_type=client_credentials&client_id={quote(client_id, safe='')}"
            f"&client_secret={quote(secret, safe='')}{scope}"
        )
        url = self.url("OAuthAuthorization")
        exchange = self._exchange("OAuthAuthorization", "POST", url, form.encode(), FORM_HEADERS)
        try:
            grant = json.loads(exchange.response_body)
        except ValueError:
            grant = None
        if not isinstance(grant, dict):
            raise RuleFailed(f"the token endpoint returned status {exchange.status} and no JSON object")
        self.secrets.add(string(grant.get("access_token")))
        return exchange.status or 0, grant

    def fetch(self, url: str) -> Exchange:
        """GET a URL that is no endpoint."""
        return self._exchange("GET", "GET", url, b"", {})

    def send_and_disconnect(self, name: str, body: dict[str, Any], complete: bool) -> None:
        """Send a request, or its first half, and close the connection without waiting for the response."""
        url, content = urlsplit(self.url(name)), json.dumps(body).encode()
        connection_class = HTTPSConnection if url.scheme == "https" else HTTPConnection
        connection = connection_class(url.netloc, timeout=self.timeout)
        bearer_token = self.bearer_token()
        try:
            connection.putrequest("POST", url.path or "/")
            for header, value in {**JSON_HEADERS, "Content-Length": str(len(content))}.items():
                connection.putheader(header, value)
            if bearer_token:
                connection.putheader("Authorization", f"Bearer {bearer_token}")
            connection.endheaders(content if complete else content[: len(content) // 2])
        except OSError:
            pass  # the connection was about to be closed anyway
        finally:
            connection.close()

    def redact(self, text: str) -> str:
        """Return the text without the secrets of this run."""
        return redacted(text, list(self.secrets))

    def _exchange(
        self, name: str, method: str, url: str, content: bytes, headers: Mapping[str, str], counted: bool = False
    ) -> Exchange:
        self.last_exchange = exchange = Exchange(method, url, content, headers)
        started = time.monotonic()
        try:
            response = self._session.request(
                method, url, data=content, headers=headers, timeout=self.timeout, allow_redirects=False
            )
        except requests.Timeout:
            exchange.failure = f"returned nothing within {self.timeout:g} s"
            self._fail(Aspect.TIME, name, exchange.failure)
        except (requests.RequestException, ValueError) as error:
            exchange.failure = f"broke the connection ({_root_cause(error)})"
            if counted:
                self.statuses.append(ReceivedStatus(name, 0, exchange))
            self._fail(Aspect.STATUS, name, exchange.failure)
        exchange.seconds = time.monotonic() - started
        exchange.status, exchange.response_headers = response.status_code, response.headers
        exchange.response_body = response.content
        self.timings.append((name, exchange.seconds))
        if counted:
            shown = exchange if exchange.status != 200 else None
            self.statuses.append(ReceivedStatus(name, exchange.status, shown))
        return exchange

    def _note_missing(self, name: str, status: int | None, unusual: bool) -> None:
        """Remember that a probe found no handler, and that a call confirmed it: later calls would find none either."""
        if status == 200:
            self.answered.add(name)
        if status not in MISSING_STATUSES or name in self.answered:
            return
        if unusual:
            self.suspected_missing.add(name)
        elif name in self.suspected_missing:
            self.missing[name] = status

    def _check_length(self, name: str, exchange: Exchange) -> None:
        headers, size = exchange.response_headers, len(exchange.response_body)
        length = headers.get("Content-Length")
        if "chunked" in headers.get("Transfer-Encoding", "").lower():
            self._record(Aspect.CHUNKED, name, f"{name} sent its response in chunks")
        elif length is None:
            self._record(Aspect.LENGTH, name, f"{name} sent no Content-Length")
        elif "Content-Encoding" not in headers and length != str(size):
            self._record(Aspect.LENGTH, name, f"{name} sent Content-Length {length} with a body of {size} bytes")

    def _read(self, name: str, exchange: Exchange) -> EndpointResponse:
        if exchange.status != 200:
            self._fail(Aspect.STATUS, name, f"returned status {exchange.status}")
        try:
            body = json.loads(exchange.response_body.decode("utf-8-sig"), parse_constant=_reject_constant)
        except (ValueError, RecursionError):
            is_page = exchange.response_body.lstrip()[:1] == b"<"
            self._fail(Aspect.JSON, name, f"returned a body that is {'HTML or XML' if is_page else 'not JSON'}")
        if not isinstance(body, dict):
            self._fail(Aspect.JSON, name, "returned JSON that is not an object")
        schema = RESPONSE_SCHEMAS.get(name, any_value)
        read = schema.read(body)
        for aspect, message in mismatches(schema, body, read):
            self._record(aspect, name, f"{name}: {message}")
        if not read.keys() & {"Error", "IsError"}:
            self._record(Aspect.ERROR_KEY, name, f"{name} returned no Error key")
        response = EndpointResponse(name, read, exchange)
        if not response.error:
            self.succeeded.add(name)
        return response

    def note_error(self, response: EndpointResponse) -> None:
        """Remember the first Error of an endpoint for a request that should succeed."""
        if response.error:
            self.errors.setdefault(response.endpoint, response.error)

    def _record(self, aspect: Aspect, name: str, message: str) -> None:
        self.violations.append(Violation(aspect, name, message, self.last_exchange))

    def _fail(self, aspect: Aspect, name: str, problem: str) -> NoReturn:
        self._record(aspect, name, f"{name} {problem}")
        message = f"{name} {problem}; Linnworks may disable the integration"
        raise RuleFailed(message, self.last_exchange, aspect, frozenset({name}))


def _reject_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _root_cause(error: BaseException) -> str:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return str(error) or type(error).__name__
