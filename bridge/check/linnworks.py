"""Linnworks' side of the wire: one call, and the rules every answer keeps."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn
from urllib.parse import quote, urljoin

import requests

from bridge.check.judge import complaints
from bridge.check.registry import Failed
from bridge.check.shapes import SHAPES

LIMIT = 10.0
JSON = {"Content-Type": "application/json; charset=utf-8"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

# AddNewUser creates the token of an integration, and GetConfiguratorSettings has none.
TOKEN_CALLS = tuple(name for name in SHAPES if name not in ("AddNewUser", "GetConfiguratorSettings"))


@dataclass(frozen=True)
class Fault:
    """A rule of every answer that one answer broke."""

    rule: str
    endpoint: str
    words: str


@dataclass(frozen=True)
class Answer:
    """The JSON object an endpoint answered with."""

    endpoint: str
    body: dict[str, Any]
    raw: str

    @property
    def error(self) -> str:
        """The words of the failure, "" on success."""
        return str(self.body.get("Error") or "")

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The objects of an array; what is no array of objects is judged elsewhere."""
        return objects(self.body.get(name))

    def says(self, name: str) -> str:
        """A string of the answer, "" when there is none."""
        return string(self.body.get(name))

    def accepted(self) -> Answer:
        """Itself when the call succeeded."""
        if self.error:
            raise Failed(f'{self.endpoint} answered with the Error "{self.error[:300]}"')
        return self

    def refused(self, words: str) -> Answer:
        """Itself when the call was refused."""
        if not self.error:
            raise Failed(f"{self.endpoint} answered no Error {words}: Linnworks takes that for success")
        return self


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects in what should be an array of objects."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def string(value: Any) -> str:
    """What should be a string, "" when it is none."""
    return value if isinstance(value, str) else ""


def spaced(moment: datetime) -> str:
    """A time in the form Linnworks really sends."""
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"


class Linnworks:
    """Sends what Linnworks sends, and remembers every rule an answer breaks."""

    def __init__(
        self,
        base_url: str,
        endpoints: Mapping[str, str],
        oauth: tuple[str, str] | None,
        timeout: float,
        rng: random.Random,
    ) -> None:
        self.base_url = base_url.rstrip("/") + "/"
        self.endpoints = endpoints
        self.oauth = oauth
        self.timeout = timeout
        self.rng = rng
        self.faults: list[Fault] = []
        self.secrets: set[str] = {oauth[1]} if oauth else set()
        self._bearer = ""
        self._bearer_until = 0.0
        self._session = requests.Session()
        # Compression is not asked for, so that Content-Length can be held against the body.
        self._session.headers.update({"Accept": "application/json", "Accept-Encoding": "identity"})

    def close(self) -> None:
        """Lets the kept connections go."""
        self._session.close()

    def offers(self, name: str) -> bool:
        """Whether the manifest names this endpoint, under its name alone (PostSaleOptions) or with Endpoint."""
        return self._path(name) is not None

    def url(self, name: str) -> str:
        """The URL the manifest gives an endpoint."""
        path = self._path(name)
        if path is None:
            raise Failed(f"the manifest names no {name}Endpoint")
        return urljoin(self.base_url, path.lstrip("/"))

    def _path(self, name: str) -> str | None:
        return self.endpoints.get(f"{name}Endpoint") or self.endpoints.get(name)

    def call(self, name: str, token: Any, **fields: Any) -> Answer:
        """Calls an endpoint for one integration."""
        return self.post(name, {"AuthorizationToken": token, **fields})

    def post(self, name: str, body: dict[str, Any]) -> Answer:
        """Sends a JSON object, now and then with a key that nobody knows yet."""
        if self.rng.random() < 0.2:
            body = {**body, "AddedByALaterVersion": {"Values": [None, 1]}}
        return self.send(name, json.dumps(body).encode())

    def send(
        self,
        name: str,
        content: bytes,
        *,
        method: str = "POST",
        path: str | None = None,
        headers: Mapping[str, str] = JSON,
        bearer: str | None = None,
    ) -> Answer:
        """Sends these very bytes and judges whatever comes back by the rules of every answer."""
        url = self.url(name) if path is None else urljoin(self.base_url, path.lstrip("/"))
        authorization = self.bearer() if bearer is None else bearer
        if authorization:
            headers = {**headers, "Authorization": f"Bearer {authorization}"}
        started = time.monotonic()
        response = self._request(name, method, url, content, headers)
        seconds = time.monotonic() - started
        if seconds > LIMIT:
            self._fault("time", name, f"took {seconds:.1f} s")
        self._judge_length(name, response)
        answer = self._read(name, response)
        if method == "POST" and path is None:
            for words in complaints(SHAPES[name], answer.body):
                self._fault("shape", name, words)
        return answer

    def bearer(self) -> str:
        """The bearer token of the calls, fetched again before it expires; "" without OAuth."""
        if self.oauth and time.monotonic() > self._bearer_until:
            status, grant = self.ask_for_bearer(self.oauth[1])
            bearer, lifetime = string(grant.get("access_token")), str(grant.get("expires_in"))
            if status != 200 or not bearer:
                raise Failed(f"the token endpoint answered status {status} without an access_token")
            self._bearer = bearer
            self._bearer_until = time.monotonic() + max(0, int(lifetime) if lifetime.isdigit() else 0) * 0.9
            self.secrets.add(bearer)
        return self._bearer

    def ask_for_bearer(self, secret: str) -> tuple[int, dict[str, Any]]:
        """The status and the object with which the token endpoint answers the client and this secret."""
        client = self.oauth[0] if self.oauth else ""
        scope = self.endpoints.get("OAuthScopesRequested", "read write")
        # The space in scope stays raw, as Linnworks leaves it.
        form = (
            f"grant_type=client_credentials&client_id={quote(client, safe='')}"
            f"&client_secret={quote(secret, safe='')}&scope={scope}"
        )
        url = self.url("OAuthAuthorization")
        response = self._request("OAuthAuthorization", "POST", url, form.encode(), FORM)
        try:
            grant = response.json()
        except ValueError:
            grant = None
        if not isinstance(grant, dict):
            raise Failed(f"the token endpoint answered status {response.status_code} and no JSON object")
        return response.status_code, grant

    def redact(self, words: str) -> str:
        """The same words without the secrets of this run."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            words = words.replace(secret, "***") if secret else words
        return words

    def _request(
        self, name: str, method: str, url: str, content: bytes, headers: Mapping[str, str]
    ) -> requests.Response:
        try:
            return self._session.request(
                method, url, data=content, headers=headers, timeout=self.timeout, allow_redirects=False
            )
        except requests.Timeout:
            self._fault("time", name, f"gave no answer within {self.timeout:g} s")
            raise Failed(f"{name} gave no answer within {self.timeout:g} s") from None
        except requests.RequestException as error:
            self._unusable("status", name, f"broke the connection ({_cause(error)})")

    def _judge_length(self, name: str, response: requests.Response) -> None:
        length = response.headers.get("Content-Length")
        if "chunked" in response.headers.get("Transfer-Encoding", "").lower():
            self._fault("chunked", name, "sent its answer in chunks")
        if length is None:
            self._fault("length", name, "sent no Content-Length")
        elif "Content-Encoding" not in response.headers and length != str(len(response.content)):
            self._fault("length", name, f"said Content-Length {length}, not {len(response.content)}")

    def _read(self, name: str, response: requests.Response) -> Answer:
        if response.status_code != 200:
            self._unusable("status", name, f"answered status {response.status_code}")
        try:
            raw = response.content.decode("utf-8")
            body = json.loads(raw, parse_constant=_no_number)
        except ValueError:
            self._unusable("json", name, "answered something that is not JSON")
        if not isinstance(body, dict):
            self._unusable("json", name, "answered JSON that is not an object")
        if "Error" not in body:
            self._fault("error", name, "left the Error key out")
        elif not isinstance(body["Error"], (str, type(None))):
            self._fault("error", name, f"sent an Error that is neither a string nor null: {body['Error']!r}")
        return Answer(name, body, raw)

    def _fault(self, rule: str, name: str, words: str) -> None:
        self.faults.append(Fault(rule, name, words))

    def _unusable(self, rule: str, name: str, words: str) -> NoReturn:
        self._fault(rule, name, words)
        raise Failed(f"{name} {words}; Linnworks may disable the integration")


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _cause(error: BaseException) -> str:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return str(error) or type(error).__name__
