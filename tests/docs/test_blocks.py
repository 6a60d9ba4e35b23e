"""Every block of code in the documentation is run by a test, is generated, or has a reason why not."""

from __future__ import annotations

import subprocess

import pytest

from tests.docs.pages import PAGES, ROOT, Block, blocks

ROOT_COMMANDS = "it changes a machine as root; tests/ops/test_install.py has what `init` writes and says"
SERVICE = "it needs systemd and an installation; tests/cli and tests/ops run the same commands"
NETWORK = "it needs a package index, a registry or a clone's address"
INSTALLATION = "`.ci/run` installs the same way"

RUN = {
    ("docs/add-a-shop.md", "cp -r linnworks-bridge/examples/smallest my-shop"): "tests/docs/test_add_a_shop.py",
    ("docs/add-a-shop.md", "def log_in(shop, client_id, secret):"): "tests/docs/test_add_a_shop.py",
    ("docs/add-a-shop.md", "def changed_rows(shop, since, cursor):"): "tests/docs/test_add_a_shop.py",
    (
        "docs/add-a-shop.md",
        '"""The corner shop: the smallest whole channel, for a shop with a JSON API."""',
    ): "examples/smallest/test_corner_shop.py",
    (
        "docs/add-a-shop.md",
        "export BRIDGE_CHANNEL=corner_shop BRIDGE_ALLOW_PRIVATE_SHOPS=true",
    ): "examples/smallest/test_corner_shop.py",
    ("docs/install.md", "linnworks-bridge oauth create"): "tests/docs/test_operate.py",
    (
        "docs/operate.md",
        "linnworks-bridge calls list --order 1231 --since 14:00      # our number, or the customer's (#1231)",
    ): "tests/docs/test_operate.py",
    (
        "docs/operate.md",
        "linnworks-bridge backup --keep 14 /var/backups/bridge        # what the timer does; or, into a folder of its "
        "own:",
    ): "tests/docs/test_operate.py",
    (
        "docs/operate.md",
        "linnworks-bridge restore --list /var/backups/bridge          # when, how large, how many integrations, what "
        "is damaged",
    ): "tests/docs/test_operate.py",
    ("docs/operate.md", "linnworks-bridge pause Teapots stock prices"): "tests/docs/test_operate.py",
    ("docs/portal.md", "linnworks-bridge manifest --base-url https://bridge.example.com"): "tests/docs/test_operate.py",
    ("docs/troubleshoot.md", "systemctl stop linnworks-bridge.socket linnworks-bridge"): "tests/docs/test_operate.py",
}
"""The file of the test that runs a block, by page and first line; docs/walkthrough.md is run whole.

Of a block with `systemctl`, our own commands are run.
"""

NOT_RUN = {
    ("CONTRIBUTING.md", "python3 -m venv .venv && . .venv/bin/activate"): INSTALLATION,
    ("README.md", "python3 -m venv .venv && . .venv/bin/activate"): INSTALLATION,
    ("README.md", ". .venv/bin/activate"): "`.ci/run` runs `check` of the installed package",
    ("README.md", "pip install '.[test]' && pytest"): INSTALLATION,
    ("docs/add-a-shop.md", "/opt/bridge/bin/pip install ./my-shop"): SERVICE,
    (
        "docs/check.md",
        "linnworks-bridge check --manifest manifest.json --config-file answers.env --html report.html",
    ): "it is for an application of the reader",
    ("docs/check.md", "uvx --from linnworks-bridge linnworks-bridge check --manifest manifest.json"): NETWORK,
    (
        "docs/check.md",
        "- run: uvx --from linnworks-bridge linnworks-bridge check http://127.0.0.1:8080 --manifest manifest.json "
        "--strict --junit check.xml",
    ): NETWORK,
    ("docs/install.md", "apt-get update && apt-get install -y git python3-venv caddy"): ROOT_COMMANDS,
    ("docs/install.md", "useradd --system --home-dir /var/lib/bridge --shell /usr/sbin/nologin bridge"): ROOT_COMMANDS,
    ("docs/install.md", "apt-get install -y nginx certbot python3-certbot-nginx"): ROOT_COMMANDS,
    ("docs/install.md", "export BRIDGE_HOST=bridge.example.com BRIDGE_CHANNEL=woocommerce"): (
        "it needs a registry; tests/ops/test_compose.py has what the file says"
    ),
    ("docs/install.md", "docker build -f packaging/Containerfile -t linnworks-bridge ."): NETWORK,
    ("docs/install.md", "uvx --from git+REPOSITORY linnworks-bridge serve"): NETWORK,
    ("docs/install.md", "useradd --system --home-dir /var/lib/bridge-woo --shell /usr/sbin/nologin bridge-woo"): (
        ROOT_COMMANDS
    ),
    (
        "docs/install.md",
        "/opt/bridge/bin/pip install -c /opt/bridge-source/constraints.txt '/opt/bridge-source[postgres]'",
    ): SERVICE,
    (
        "docs/operate.md",
        "/opt/bridge/bin/pip install -c /opt/bridge-source/constraints.txt '/opt/bridge-source[notify]'",
    ): SERVICE,
    ("docs/medusa.md", "BRIDGE_CHANNEL=medusa linnworks-bridge check --config-file shop.env"): (
        "it needs a running shop; `.ci/full` does the same"
    ),
    ("docs/medusa.md", "python tests/channels/medusa/running start /tmp/medusa"): "`.ci/full` does the same",
    ("docs/performance.md", "pip install '.[bench]'"): "`.ci/run` runs the bench",
    (
        "docs/portal.md",
        "linnworks-bridge check https://bridge.example.com --strict --oauth-client client.txt --config-file shop.env "
        "--html review.html",
    ): "it is for an installation of the reader",
    ("docs/troubleshoot.md", "df -h /var/lib/bridge"): SERVICE,
    ("docs/upgrade.md", "linnworks-bridge backup /var/backups/bridge/before-the-upgrade"): NETWORK,
    (
        "docs/upgrade.md",
        "/opt/bridge/bin/linnworks-bridge init --install --force --yes --base-url https://bridge.example.com "
        "--channel woocommerce",
    ): ROOT_COMMANDS,
    ("docs/upgrade.md", "git -C /opt/bridge-source checkout v0.1.0"): NETWORK,
    ("docs/woocommerce.md", "BRIDGE_CHANNEL=woocommerce linnworks-bridge check --config-file shop.env"): (
        "it needs a running shop; `.ci/full` runs the suites on one"
    ),
}
"""Why a block is not run; its commands are parsed all the same (tests/docs/test_commands.py)."""

FOUND = [one for page in PAGES for one in blocks(page) if one.language not in ("", "console")]
"""All blocks but what is only shown, and sessions: tests/docs/test_troubleshoot.py plays each of these."""


def test_every_block_is_accounted_for():
    """
    Each block is run or has a reason, and neither list has a block that is gone.
    """
    names = {one.name for one in FOUND if one.page != "docs/walkthrough.md"}

    assert names == RUN.keys() | NOT_RUN.keys()
    assert not RUN.keys() & NOT_RUN.keys()
    assert [] == [file for file in RUN.values() if not (ROOT / file).exists()]


def test_sessions_are_on_the_page_that_is_played():
    """
    No other page has any.
    """
    assert {"docs/troubleshoot.md"} == {one.page for page in PAGES for one in blocks(page) if one.language == "console"}


@pytest.mark.parametrize("shell", [one for one in FOUND if one.language == "sh"], ids=lambda one: " ".join(one.name))
def test_shell_is_written_correctly(shell: Block):
    """
    Bash can read each block.
    """
    read = subprocess.run(["bash", "-n"], input=shell.text, capture_output=True, text=True)

    assert (0, "") == (read.returncode, read.stderr)
