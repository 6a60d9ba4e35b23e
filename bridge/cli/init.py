"""`linnworks-bridge init`: set up an installation."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import click

from bridge.cli.output import print_document, say
from bridge.settings import BUILT_IN

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.option("--base-url", metavar="URL", help="Public address, such as https://bridge.example.com.")
@click.option("--channel", metavar="NAME", help=f"Kind of shop: {', '.join(BUILT_IN)}, or a module path.")
@click.option("--name", metavar="NAME", default="", help="Name of a further installation on this machine, such as woo.")
@click.option("--data-dir", type=FOLDER, help="Folder for the database and the key.")
@click.option("--out", type=FOLDER, help="Folder to write the files to.")
@click.option("--backups", type=FOLDER, help="Folder for daily backups.")
@click.option("--bind", metavar="HOST:PORT", help="Address at which the service listens for the proxy.")
@click.option("--user", metavar="NAME", default="", help="User that the service runs as, by default the current one.")
@click.option(
    "--install", "put", is_flag=True, help="Also put the files where systemd, the proxy and the shell find them."
)
@click.option("--proxy", type=click.Choice(["caddy", "nginx"]), help="The proxy, by default the one that is there.")
@click.option(
    "--root",
    type=FOLDER,
    default="/",
    show_default=True,
    help="Folder that --install takes for /, for packages and images.",
)
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
    name: str,
    data_dir: Path | None,
    out: Path | None,
    backups: Path | None,
    bind: str | None,
    user: str,
    put: bool,
    proxy: str | None,
    root: Path,
    with_oauth: bool,
    yes: bool,
    show: bool,
    force: bool,
) -> None:
    """Set up an installation: settings, key, manifest, systemd units, daily backups and proxy.

    Asks for what no option gives, writes all files into one folder, and says what to do with them. With --install it
    puts them in their places; the folders are then /etc/bridge, /var/lib/bridge and /var/backups/bridge by default, and
    the user is bridge. With --name woo all of these, and the units and commands, end in -woo.
    """
    from bridge.ops import deployment
    from bridge.ops.deployment import install

    unit = deployment.unit_name(name)
    instance = f"bridge-{name}" if name else "bridge"
    owner = deployment.find_account(user or (instance if put else ""))

    def answer(given: str | Path | None, question: str, default: str) -> str:
        return str(given) if given else default if yes else click.prompt(question, default=default or None)

    texts = {
        "BRIDGE_BASE_URL": answer(base_url, "Public address, such as https://bridge.example.com", ""),
        "BRIDGE_CHANNEL": answer(channel, f"Kind of shop ({', '.join(BUILT_IN)})", "demo"),
        "BRIDGE_DATA_DIR": answer(
            data_dir, "Folder for the data", f"/var/lib/{instance}" if put else f"{instance}-data"
        ),
        "BRIDGE_BIND": answer(
            bind,
            "Address at which the service listens for the proxy",
            install.free_address(root) if name else "127.0.0.1:8080",
        ),
        "BRIDGE_TRUSTED_PROXIES": "127.0.0.1, ::1",
    }
    setup = f"/etc/{instance}" if put else f"{instance}-setup"
    folder = Path(answer(out, "Folder for settings, unit and proxy", setup))
    data = Path(texts["BRIDGE_DATA_DIR"]).expanduser().absolute()
    texts["BRIDGE_DATA_DIR"] = str(data)
    kept = backups or Path("/var/backups", instance)
    chosen = proxy or install.find_proxy()
    begin_oauth = with_oauth and not deployment.has_database(texts)  # else its sellers' calls would be refused
    contents = deployment.render(texts, folder, owner, with_oauth=begin_oauth, name=name, backups=kept)
    places = install.files_to_place(name, chosen, root) if put else {}
    if show:
        for file, text in contents.items():
            print_document(f"==> {folder / file} <==\n{text}")
        return
    if not force:
        install.refuse_existing(places, contents)
    deployment.write(contents, folder, owner, force=force)
    made = deployment.make_key(data, owner)
    for described in deployment.files_of(name):
        say(f"{folder.absolute() / described.name}: {described.meaning}")
    if put:
        deployment.make_folder(kept, owner)
        for place in install.install(places, contents, folder):
            say(f"Installed {place}")
    say(f"{data / 'secret.key'}: {'the new key' if made else 'the existing key'}; back it up in another place")
    if begin_oauth:
        client_id, secret = deployment.first_client(texts, owner)
        say("OAuth is on. Linnworks' wizard asks for these when a seller integrates; they are not shown again:")
        say(f"client_id: {client_id}")
        say(f"client_secret: {secret}")
    elif with_oauth:
        say(f"There is a database: `{unit} oauth list` says whether OAuth is on, and if it is, enter")
        say(f"what `{unit} manifest` prints in place of manifest.json")
    if not texts["BRIDGE_BASE_URL"].startswith("https://"):
        say("Linnworks calls https addresses only: set a --base-url with https before you enter the manifest")
    say("Now paste these commands:")
    hostname = urlsplit(texts["BRIDGE_BASE_URL"]).hostname or ""
    for line in install.commands(name, folder, owner, kept, proxy=chosen, installed=put, root=root, hostname=hostname):
        say(line)
