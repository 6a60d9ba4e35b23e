"""Every setting of the bridge, with its environment variable, default and meaning."""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from bridge.errors import StartError

Network = IPv4Network | IPv6Network

PREFIX = "BRIDGE_"
ENV_FILE = "bridge.env"
BUILT_IN = {
    "demo": "bridge.channels.demo:DemoChannel",
    "woocommerce": "bridge.channels.woocommerce:WooCommerceChannel",
    "medusa": "bridge.channels.medusa:MedusaChannel",
}
"""Channels that BRIDGE_CHANNEL may name without a module path."""


def setting(default: Any, meaning: str, *, parse: Callable[[str], Any] = str, secret: bool = False) -> Any:
    """Declare one setting; `parse` raises ValueError with text that completes "BRIDGE_X must be ..."."""
    metadata = {"meaning": meaning, "parse": parse}
    return dataclasses.field(default=default, repr=not secret, metadata=metadata)


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,12}", text) or not lowest <= int(text) <= highest:
            raise ValueError(f"a whole number from {lowest} to {highest}")
        return int(text)

    return parse


def _flag(text: str) -> bool:
    values = {
        "true": True,
        "1": True,
        "yes": True,
        "on": True,
        "false": False,
        "0": False,
        "no": False,
        "off": False,
    }
    if text.lower() not in values:
        raise ValueError("true or false")
    return values[text.lower()]


def _matching(pattern: str, meaning: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(meaning)
        return text

    return parse


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError("a path in a home folder that exists") from None


def _address(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not re.fullmatch(r"\[[0-9a-fA-F:.]+\]|[^\s:]+", host) or not port.isdecimal() or not 0 < int(port[:6]) < 65536:
        raise ValueError("an address and a port, such as 127.0.0.1:8080")
    return text


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(one.strip()) for one in text.split(","))
    except ValueError:
        raise ValueError("addresses or networks separated by commas, such as 127.0.0.1, 10.0.0.0/8") from None


def _notification_addresses(text: str) -> tuple[str, ...]:
    addresses = tuple(text.split())
    if not all(re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*://\S+", one) for one in addresses):
        raise ValueError(
            "addresses separated by spaces, such as ntfy://ntfy.sh/topic mailto://user:password@example.com"
        )
    return addresses


def _base_url(text: str) -> str:
    return _matching(r"https?://[^\s/?#]+(/[^\s?#]*)?", "an address such as https://bridge.example.com")(
        text.rstrip("/")
    )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one installation."""

    channel: str = setting(
        "demo",
        "The kind of shop: a built-in channel (`demo`, `woocommerce`, `medusa`) or the module path of your own",
        parse=_matching(r"[A-Za-z_][\w.]*(:[A-Za-z_]\w*)?", "a channel's name or a module path"),
    )
    data_dir: Path = setting(
        Path("bridge-data"), "Folder for the database and the key file; made at the first start", parse=_path
    )
    database_url: str = setting(
        "",
        "Database, such as `postgresql://user:password@host/name`; empty: SQLite in the data folder",
        parse=_matching(
            r"sqlite:///[^:]\S*|postgres(ql)?://\S+", "an address like sqlite:///FILE or postgresql://HOST/NAME"
        ),
        secret=True,
    )
    secret_key: str = setting(
        "",
        "Keys that seal shop credentials, newest first, separated by commas; empty: a key file in the data folder; "
        "`linnworks-bridge keys new` makes a key",
        secret=True,
    )
    bind: str = setting(
        "127.0.0.1:8080",
        "Address and port that `linnworks-bridge serve` listens on",
        parse=_address,
    )
    base_url: str = setting(
        "",
        "Public address at which Linnworks calls the bridge; empty: `http://` and `BRIDGE_BIND`",
        parse=_base_url,
    )
    trusted_proxies: tuple[Network, ...] = setting(
        (),
        "Addresses or networks of your own proxies, separated by commas: the client's address is taken from their "
        "X-Forwarded-For header",
        parse=_networks,
    )
    allow_private_shops: bool = setting(
        False,
        "Whether shops may be at private or loopback addresses, or at the public address of the bridge's own machine",
        parse=_flag,
    )
    channel_name: str = setting(
        "",
        "ChannelName in the manifest, unique in Linnworks: upper case, no spaces; empty: the channel's own",
        parse=_matching(r"[A-Z0-9_]{1,50}", "upper-case letters, digits and underscores only"),
    )
    channel_friendly_name: str = setting("", "ChannelFriendlyName in the manifest; empty: the channel's own")
    logo: Path | None = setting(None, "A 57 x 57 px PNG file to use as the channel's logo; empty: ours", parse=_path)
    oauth_token_seconds: int = setting(3600, "Lifetime of an OAuth access token, in seconds", parse=_whole(60, 86400))
    post_sale_options_name: str = setting(
        "PostSaleOptions",
        "Name of that endpoint in the manifest; sources disagree, so use the developer portal's",
        parse=_matching(r"PostSaleOptions(Endpoint)?", "PostSaleOptions or PostSaleOptionsEndpoint"),
    )
    budget_seconds: int = setting(
        8, "Seconds a request may take, calls to the shop included; Linnworks gives up after 10", parse=_whole(1, 9)
    )
    shop_calls_at_once: int = setting(
        4, "How many calls of a batch go to one shop at the same time, in each process", parse=_whole(1, 64)
    )
    max_body_bytes: int = setting(4_000_000, "Longest request body accepted, in bytes", parse=_whole(10_000, 10**9))
    orders_overlap_seconds: int = setting(
        300, "By how many seconds a run of Orders calls overlaps the one before", parse=_whole(0, 86400)
    )
    action_settles_seconds: int = setting(
        30,
        "Seconds a shop gets to finish an action whose answer was lost, before it may be sent again",
        parse=_whole(0, 3600),
    )
    repeat_seconds: int = setting(
        900,
        "Seconds after its last answer in which an equal cancel or refund is taken for a repeat, and gets that answer",
        parse=_whole(60, 30 * 86400),
    )
    keep_actions_days: int = setting(
        365,
        "Days to keep despatches, cancels and refunds after their result is known; then only the shop knows of them",
        parse=_whole(30, 3650),
    )
    keep_orders_days: int = setting(
        365, "Days to keep the record that an order was sent to Linnworks", parse=_whole(7, 3650)
    )
    keep_feeds_days: int = setting(
        30, "Days to keep listings after they are done, with their results", parse=_whole(1, 3650)
    )
    keep_paging_runs_days: int = setting(
        2,
        "Days to keep which pages Linnworks asked for; the newest run of each kind is always kept",
        parse=_whole(1, 365),
    )
    keep_calls_days: int = setting(
        14, "Days to keep the record of calls that `linnworks-bridge calls list` shows", parse=_whole(1, 365)
    )
    keep_calls_mb: int = setting(
        200,
        "Megabytes that the record of calls may take; the oldest of the integration with the most go first",
        parse=_whole(1, 100_000),
    )
    keep_unfinished_days: int = setting(
        30, "Days to keep an integration whose wizard was never finished", parse=_whole(1, 3650)
    )
    keep_archives_days: int = setting(
        30, "Days to keep the database archives that upgrades and restores make", parse=_whole(1, 3650)
    )
    workers: int = setting(2, "Number of processes that answer requests", parse=_whole(1, 64))
    threads: int = setting(16, "Number of threads in each of these processes", parse=_whole(1, 256))
    metrics: bool = setting(
        True,
        "Whether `/metrics` and `/health/details` answer monitoring, from this machine or with the token",
        parse=_flag,
    )
    metrics_token: str = setting(
        "",
        "Token that the monitoring sends as `Authorization: Bearer ...`, from any address; empty: only calls from this "
        "machine, and not through a proxy, are answered",
        parse=_matching(r"[\x21-\x7e]{20,200}", "20 characters or more, without spaces"),
        secret=True,
    )
    notify: tuple[str, ...] = setting(
        (),
        "Addresses that are told of trouble and of its end, separated by spaces, as Apprise writes them: "
        "`mailto://...`, `ntfy://...`, `slack://...` and many more (https://appriseit.com/services/)",
        parse=_notification_addresses,
        secret=True,
    )
    ping_url: str = setting(
        "",
        "Address that is called after each round of the doctor while the service works: a dead man's switch such as "
        "Healthchecks, which tells you when the calls stop",
        parse=_matching(r"https?://\S+", "an address such as https://hc-ping.com/..."),
        secret=True,
    )
    doctor_seconds: int = setting(
        120,
        "How often the service asks itself the doctor's questions; what two rounds in a row find is told",
        parse=_whole(1, 3600),
    )
    api_docs: bool = setting(
        False,
        "Whether to publish a description of the endpoints at `/openapi.json`, and a page to try them at `/docs`",
        parse=_flag,
    )
    log_format: str = setting(
        "text",
        "Format of the log: `text`, or `json` with one object a line",
        parse=_matching(r"text|json", "text or json"),
    )
    log_level: str = setting(
        "INFO",
        "Lowest level that is logged",
        parse=_matching(r"DEBUG|INFO|WARNING|ERROR", "DEBUG, INFO, WARNING or ERROR"),
    )

    @property
    def database(self) -> str:
        """The URL of the database: BRIDGE_DATABASE_URL, or SQLite in the data folder."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'bridge.db'}"

    @property
    def url(self) -> str:
        """The public address of the bridge, without a slash at the end."""
        return self.base_url or f"http://{self.bind}"


def sqlite_file(url: str) -> Path | None:
    """Return the file of a SQLite database, None for PostgreSQL."""
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:") else None


def variable(field: dataclasses.Field[Any]) -> str:
    """Return the environment variable for this field."""
    return PREFIX + field.name.upper()


def load_settings(environ: Mapping[str, str], **overrides: Any) -> Settings:
    """Read the settings from the environment and the env file; raises StartError that names the wrong variable.

    The file is BRIDGE_ENV_FILE, which must then exist, or `bridge.env` in the current folder if that exists. The
    environment takes precedence over the file, and an empty value means the default.
    """
    return parse_settings(_texts(environ), **overrides)


def parse_settings(texts: Mapping[str, str | None], **overrides: Any) -> Settings:
    """Return the settings in these variables alone; raises StartError that names the wrong variable."""
    values: dict[str, Any] = {}
    for field in dataclasses.fields(Settings):
        text = (texts.get(variable(field)) or "").strip()
        if text:
            try:
                values[field.name] = field.metadata["parse"](text)
            except ValueError as error:
                raise StartError(f"{variable(field)} must be {error}") from None
    settings = Settings(**{**values, **overrides})
    if settings.logo and not settings.logo.is_file():
        raise StartError(f"{PREFIX}LOGO names {settings.logo}, which is not a file")
    return settings


def _texts(environ: Mapping[str, str]) -> dict[str, str | None]:
    """Return the env file's variables, overridden by the environment's."""
    named = environ.get(PREFIX + "ENV_FILE")
    if named and not Path(named).is_file():
        raise StartError(f"{PREFIX}ENV_FILE names {named}, which is not a file")
    if not named and os.geteuid() == 0 and Path(ENV_FILE).exists() and Path(ENV_FILE).stat().st_uid != 0:
        raise StartError(
            f"{ENV_FILE} in this folder belongs to another user: name it in {PREFIX}ENV_FILE if it is yours"
        )
    try:
        from dotenv import dotenv_values  # --help needs no settings

        return {**dotenv_values(named or ENV_FILE, interpolate=False), **environ}
    except (OSError, UnicodeDecodeError):
        raise StartError(f"{named or ENV_FILE} cannot be read as text") from None


def given_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of settings that the environment and the env file give a value."""
    texts = _texts(environ)
    return {name: text for name in map(variable, dataclasses.fields(Settings)) if (text := texts.get(name))}


def env_file_text(variables: Mapping[str, str]) -> str:
    """Return an env file with these variables."""
    quoted = {name: text.replace("\\", "\\\\").replace("'", "\\'") for name, text in variables.items()}
    return "".join(f"{name}='{text}'\n" for name, text in quoted.items())


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Return a sentence for each unknown BRIDGE_ variable, with the setting it resembles."""
    known = [variable(field) for field in dataclasses.fields(Settings)] + [PREFIX + "ENV_FILE"]
    sentences = []
    for name in sorted(_texts(environ)):
        if name.startswith(PREFIX) and not name.startswith(PREFIX + "TEST_") and name not in known:
            similar = difflib.get_close_matches(name, known, 1)
            sentences.append(f"{name} is not a setting" + (f"; did you mean {similar[0]}?" if similar else ""))
    return sentences
