"""packaging/compose.yml has the bridge behind the proxy that `init` would configure."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bridge.ops import deployment
from bridge.settings import parse_settings

ROOT = Path(__file__).parent.parent.parent
COMPOSE = yaml.safe_load((ROOT / "packaging/compose.yml").read_text(encoding="utf-8"))
HOST = "bridge.example.com"


def directives(text: str) -> list[str]:
    """Return the lines of a Caddyfile without comments, indents and further installations."""
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith(("#", "import "))]


def test_its_caddyfile_is_the_one_of_init(monkeypatch, tmp_path):
    """
    It buffers and limits as on a VPS.
    """
    monkeypatch.setattr(deployment, "caddy_version", lambda: (2, 11))
    texts = {"BRIDGE_BASE_URL": f"https://{HOST}", "BRIDGE_BIND": "bridge:8080"}
    written = deployment.render(texts, tmp_path, deployment.find_account(""))["Caddyfile"]
    content = COMPOSE["configs"]["caddyfile"]["content"].replace("${BRIDGE_HOST}", HOST)

    assert directives(written) == directives(content)


def test_the_service_trusts_the_proxy_alone():
    """
    Its settings can be read, and the address is that of the proxy.
    """
    bridge, proxy = COMPOSE["services"]["bridge"], COMPOSE["services"]["proxy"]
    texts = {**bridge["environment"], "BRIDGE_BASE_URL": f"https://{HOST}", "BRIDGE_CHANNEL": "woocommerce"}
    (trusted,) = parse_settings(texts).trusted_proxies

    assert proxy["networks"]["inside"]["ipv4_address"] == str(trusted.network_address)
    assert "ports" not in bridge


@pytest.mark.parametrize(
    "option", ["--read-only", "--cap-drop ALL", "no-new-privileges", "--memory 768m", "--pids-limit 512"]
)
def test_its_limits_are_those_of_the_documentation(option):
    """
    docs/install.md runs the container with the same ones.
    """
    bridge = COMPOSE["services"]["bridge"]
    text = (ROOT / "docs/install.md").read_text(encoding="utf-8")
    limits = {
        "--read-only": bridge["read_only"] is True,
        "--cap-drop ALL": bridge["cap_drop"] == ["ALL"],
        "no-new-privileges": bridge["security_opt"] == ["no-new-privileges:true"],
        "--memory 768m": bridge["mem_limit"] == "768m",
        "--pids-limit 512": bridge["pids_limit"] == 512,
    }

    assert option in text
    assert limits[option]
