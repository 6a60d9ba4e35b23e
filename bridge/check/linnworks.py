"""Linnworks' side of the wire: one call, and the rules every answer keeps."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPSConnection
from typing import Any, NoReturn
from urllib.parse import quote, urlsplit

import requests

from bridge.check.answer import Answer, Fault, string
from bridge.check.exchange import Exchange, redacted
from bridge.check.judge import complaints
from bridge.check.kinds import anything
from bridge.check.manifest import Manifest
from bridge.check.registry import Evidence, Failed, Skipped
from bridge.check.shapes import SHAPES

LIMIT = 10.0
JSON = {"Content-Type": "application/json; charset=utf-8"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

# AddNewUser creates the token of an integration, and GetConfiguratorSettings has none.
TOKEN_CALLS = tuple(name for name in SHAPES if name not in ("AddNewUser", "GetConfiguratorSettings"))


class Linnworks:
    """Sends what Linnworks sends, and remembers every rule an answer breaks."""

    def __init__(
        self,
        manifest: Manifest,
        oauth: tuple[str, str] | None,
        timeout: float,
        rng: random.Random,
    ) -> None:
        self.manifest = manifest
        self.oauth = oauth
        self.timeout = timeout
        self.rng = rng
        self.faults: list[Fault] = []
        self.calls: list[tuple[str, float]] = []
        self.last: Exchange | None = None
        self.secrets: set[str] = {oauth[1]} if oauth else set()
        self._bearer = ""
        self._bearer_until = 0.0
        self._session = requests.Session()
        # Compression is not asked for, so that Content-Length can be held against the body.
        self._session.headers.update({"Accept": "application/json", "Accept-Encoding": "identity"})

    def beside(self, seed: int) -> Linnworks:
        """Another connection to the same application, for another thread; secrets and faults are shared."""
        other = Linnworks(self.manifest, self.oauth, self.timeout, random.Random(seed))  # noqa: S311
        other.secrets, other.faults, other.calls = self.secrets, self.faults, self.calls
        return other

    def close(self) -> None:
        """Lets the kept connections go."""
        self._session.close()

    def offers(self, name: str) -> bool:
        """Whether the manifest names this endpoint."""
        return bool(self.manifest.url(name))

    def url(self, name: str) -> str:
        """The URL the manifest gives an endpoint."""
        url = self.manifest.url(name)
        if not url:
            raise Skipped(f"the manifest names no {name}Endpoint")
        return url

    def call(self, name: str, token: Any, **fields: Any) -> Answer:
        """Calls an endpoint for one integration."""
        return self.post(name, {"AuthorizationToken": token, **fields})

    def post(self, name: str, body: dict[str, Any]) -> Answer:
        """Sends a JSON object."""
        return self.send(name, json.dumps(body).encode())

    def send(
        self,
        name: str,
        content: bytes,
        *,
        method: str = "POST",
        url: str | None = None,
        headers: Mapping[str, str] = JSON,
        bearer: str | None = None,
        odd: bool = False,
    ) -> Answer:
        """Sends these very bytes and judges whatever comes back by the rules of every answer.

        What Linnworks itself never sends is `odd`: its answer is only judged by the check that sent it.
        """
        authorization = self.bearer() if bearer is None else bearer
        if authorization:
            headers = {**headers, "Authorization": f"Bearer {authorization}"}
        before = len(self.faults)
        try:
            exchange = self._exchange(name, method, self.url(name) if url is None else url, content, headers)
            self._judge_length(name, exchange)
            if exchange.seconds > LIMIT:
                self._fault("time", name, f"took {exchange.seconds:.1f} s")
            return self._read(name, exchange)
        finally:
            if odd:
                del self.faults[before:]

    def bearer(self) -> str:
        """The bearer token of the calls, fetched again before it expires; "" without OAuth."""
        if self.oauth and time.monotonic() > self._bearer_until:
            status, grant = self.ask_for_bearer(self.oauth[1])
            bearer, lifetime = string(grant.get("access_token")), str(grant.get("expires_in"))
            if status != 200 or not bearer:
                raise Failed(f"the token endpoint answered status {status} without an access_token")
            self._bearer = bearer
            self._bearer_until = time.monotonic() + max(0, int(lifetime) if lifetime.isdigit() else 0) * 0.9
        return self._bearer

    def ask_for_bearer(self, secret: str, scopes: bool = True) -> tuple[int, dict[str, Any]]:
        """The status and the object with which the token endpoint answers the client and this secret."""
        client = self.oauth[0] if self.oauth else ""
        # The space in scope stays raw, as Linnworks leaves it.
        scope = f"&scope={self.manifest.says('OAuthScopesRequested') or 'read write'}" if scopes else ""
        form = (
            f"grant_type=client_credentials&client_id={quote(client, safe='')}"
            f"&client_secret={quote(secret, safe='')}{scope}"
        )
        exchange = self._exchange("OAuthAuthorization", "POST", self.url("OAuthAuthorization"), form.encode(), FORM)
        try:
            grant = json.loads(exchange.answered)
        except ValueError:
            grant = None
        if not isinstance(grant, dict):
            raise Failed(f"the token endpoint answered status {exchange.status} and no JSON object")
        self.secrets.add(string(grant.get("access_token")))
        return exchange.status or 0, grant

    def look(self, url: str) -> Exchange:
        """Fetches something that is no endpoint."""
        return self._exchange("GET", "GET", url, b"", {})

    def cut(self, name: str, body: dict[str, Any], whole: bool) -> None:
        """Sends a request, or half of one, and hangs up before the answer."""
        url, content = urlsplit(self.url(name)), json.dumps(body).encode()
        kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
        connection = kind(url.netloc, timeout=self.timeout)
        bearer = self.bearer()
        try:
            connection.putrequest("POST", url.path or "/")
            for header, value in {**JSON, "Content-Length": str(len(content))}.items():
                connection.putheader(header, value)
            if bearer:
                connection.putheader("Authorization", f"Bearer {bearer}")
            connection.endheaders(content if whole else content[: len(content) // 2])
        except OSError:
            pass  # it was to be cut anyway
        finally:
            connection.close()

    def redact(self, words: str) -> str:
        """The same words without the secrets of this run."""
        return redacted(words, list(self.secrets))

    def evidence(self, exchange: Exchange | None, about: str) -> Evidence | None:
        """An exchange, or else the last one, fit to be shown beside these words."""
        shown = exchange or self.last
        return Evidence(self.redact(shown.request()), self.redact(shown.answer(about))) if shown else None

    def _exchange(self, name: str, method: str, url: str, content: bytes, headers: Mapping[str, str]) -> Exchange:
        self.last = exchange = Exchange(method, url, content, headers)
        started = time.monotonic()
        try:
            response = self._session.request(
                method, url, data=content, headers=headers, timeout=self.timeout, allow_redirects=False
            )
        except requests.Timeout:
            exchange.failure = f"gave no answer within {self.timeout:g} s"
            self._unusable("time", name, exchange.failure)
        except (requests.RequestException, ValueError) as error:
            exchange.failure = f"broke the connection ({_cause(error)})"
            self._unusable("status", name, exchange.failure)
        exchange.seconds = time.monotonic() - started
        exchange.status, exchange.headers, exchange.answered = response.status_code, response.headers, response.content
        self.calls.append((name, exchange.seconds))
        return exchange

    def _judge_length(self, name: str, exchange: Exchange) -> None:
        length = exchange.headers.get("Content-Length")
        if "chunked" in exchange.headers.get("Transfer-Encoding", "").lower():
            self._fault("chunked", name, "sent its answer in chunks")
        elif length is None:
            self._fault("length", name, "sent no Content-Length")
        elif "Content-Encoding" not in exchange.headers and length != str(len(exchange.answered)):
            self._fault("length", name, f"said Content-Length {length}, not {len(exchange.answered)}")

    def _read(self, name: str, exchange: Exchange) -> Answer:
        if exchange.status != 200:
            self._unusable("status", name, f"answered status {exchange.status}")
        try:
            body = json.loads(exchange.answered.decode("utf-8-sig"), parse_constant=_no_number)
        except ValueError:
            self._unusable("json", name, "answered something that is not JSON")
        if not isinstance(body, dict):
            self._unusable("json", name, "answered JSON that is not an object")
        kind = SHAPES.get(name, anything)
        read = kind.read(body)
        for rule, words in complaints(kind, body, read):
            self._fault(rule, name, words)
        if not read.keys() & {"Error", "IsError"}:
            self._fault("error", name, "left the Error key out")
        return Answer(name, read, exchange)

    def _fault(self, rule: str, name: str, words: str) -> None:
        self.faults.append(Fault(rule, name, words, self.last))

    def _unusable(self, rule: str, name: str, words: str) -> NoReturn:
        self._fault(rule, name, words)
        raise Failed(f"{name} {words}; Linnworks may disable the integration", self.last)


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _cause(error: BaseException) -> str:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return str(error) or type(error).__name__
