"""`linnworks-bridge init`: set up an installation."""

from __future__ import annotations

from pathlib import Path

import click

from bridge.cli.output import print_document, say
from bridge.settings import BUILT_IN

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.option("--base-url", metavar="URL", help="Public address, such as https://bridge.example.com.")
@click.option("--channel", metavar="NAME", help=f"Kind of shop: {', '.join(BUILT_IN)}, or a module path.")
@click.option("--data-dir", type=FOLDER, help="Folder for the database and the key.")
@click.option("--out", type=FOLDER, help="Folder to write the files to.")
@click.option("--bind", metavar="HOST:PORT", help="Address at which the service listens for the proxy.")
@click.option("--user", metavar="NAME", default="", help="User that the service runs as, by default the current one.")
@click.option(
    "--oauth/--no-oauth",
    "with_oauth",
    default=True,
    show_default=True,
    help="Accept only calls with an access token, for which Linnworks gets a secret.",
)
@click.option("--yes", is_flag=True, help="Ask nothing, and use the defaults.")
@click.option("--show", is_flag=True, help="Print the files instead of writing them.")
@click.option(
    "--force",
    is_flag=True,
    help="Replace existing files, and keep the old ones as NAME.old; a key file is never replaced.",
)
def init(
    base_url: str | None,
    channel: str | None,
    data_dir: Path | None,
    out: Path | None,
    bind: str | None,
    user: str,
    with_oauth: bool,
    yes: bool,
    show: bool,
    force: bool,
) -> None:
    """Set up an installation: settings, key, manifest, systemd unit and proxy.

    Asks for what no option gives, writes all files into one folder, and says what to do with them.
    """
    from bridge.ops import deployment

    owner = deployment.find_account(user)

    def answer(given: str | Path | None, question: str, default: str) -> str:
        return str(given) if given else default if yes else click.prompt(question, default=default or None)

    texts = {
        "BRIDGE_BASE_URL": answer(base_url, "Public address, such as https://bridge.example.com", ""),
        "BRIDGE_CHANNEL": answer(channel, f"Kind of shop ({', '.join(BUILT_IN)})", "demo"),
        "BRIDGE_DATA_DIR": answer(data_dir, "Folder for the data", "bridge-data"),
        "BRIDGE_BIND": answer(bind, "Address at which the service listens for the proxy", "127.0.0.1:8080"),
        "BRIDGE_TRUSTED_PROXIES": "127.0.0.1, ::1",
    }
    folder = Path(answer(out, "Folder for settings, unit and proxy", "bridge-setup"))
    data = Path(texts["BRIDGE_DATA_DIR"]).expanduser().absolute()
    texts["BRIDGE_DATA_DIR"] = str(data)
    begin_oauth = with_oauth and not deployment.has_database(texts)  # else its sellers' calls would be refused
    contents = deployment.render(texts, folder, owner, with_oauth=begin_oauth)
    if show:
        for name, text in contents.items():
            print_document(f"==> {folder / name} <==\n{text}")
        return
    deployment.write(contents, folder, owner, force=force)
    made = deployment.make_key(data, owner)
    for name, meaning in deployment.MEANINGS.items():
        say(f"{folder.absolute() / name}: {meaning}")
    say(f"{data / 'secret.key'}: {'the new key' if made else 'the existing key'}; back it up in another place")
    if begin_oauth:
        client_id, secret = deployment.first_client(texts, owner)
        say("OAuth is on. Linnworks' wizard asks for these when a seller integrates; they are not shown again:")
        say(f"client_id: {client_id}")
        say(f"client_secret: {secret}")
    elif with_oauth:
        say("There is a database: `linnworks-bridge oauth list` says whether OAuth is on, and if it is, enter")
        say("what `linnworks-bridge manifest` prints in place of manifest.json")
    if not texts["BRIDGE_BASE_URL"].startswith("https://"):
        say("Linnworks calls https addresses only: set a --base-url with https before you enter the manifest")
