"""`linnworks-bridge init`: set an installation up."""

from __future__ import annotations

from pathlib import Path

import click

from bridge.settings import BUILT_IN

a_folder = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.option("--base-url", metavar="URL", help="Public address, such as https://bridge.example.com.")
@click.option("--channel", metavar="NAME", help=f"Kind of shop: {', '.join(BUILT_IN)}, or a module path.")
@click.option("--data-dir", type=a_folder, help="Folder for the database and the key.")
@click.option("--out", type=a_folder, help="Folder for the files that are written.")
@click.option("--bind", metavar="HOST:PORT", help="Where the service listens for the proxy.")
@click.option("--user", metavar="NAME", default="", help="The user that the service runs as; usually who asks.")
@click.option("--yes", is_flag=True, help="Ask nothing; what is not given is the default.")
@click.option("--show", is_flag=True, help="Write nothing and print it instead.")
@click.option(
    "--force",
    is_flag=True,
    help="Write files anew that are there, and keep the old ones as NAME.old; a key file always stays.",
)
def init(
    base_url: str | None,
    channel: str | None,
    data_dir: Path | None,
    out: Path | None,
    bind: str | None,
    user: str,
    yes: bool,
    show: bool,
    force: bool,
) -> None:
    """Set an installation up: settings, key, manifest, systemd unit and proxy.

    Asks for what no option gives, writes all files into one folder, and says what to do with them.
    """
    from bridge.ops import deployment

    owner = deployment.account(user)

    def answer(given: str | Path | None, question: str, usual: str) -> str:
        return str(given) if given else usual if yes else click.prompt(question, default=usual or None)

    texts = {
        "BRIDGE_BASE_URL": answer(base_url, "Public address, as https://bridge.example.com", ""),
        "BRIDGE_CHANNEL": answer(channel, f"Kind of shop ({', '.join(BUILT_IN)})", "demo"),
        "BRIDGE_DATA_DIR": answer(data_dir, "Folder for the data", "bridge-data"),
        "BRIDGE_BIND": answer(bind, "Where the service listens for the proxy", "127.0.0.1:8080"),
        "BRIDGE_TRUSTED_PROXIES": "127.0.0.1, ::1",
    }
    folder = Path(answer(out, "Folder for settings, unit and proxy", "bridge-setup"))
    data = Path(texts["BRIDGE_DATA_DIR"]).expanduser().absolute()
    texts["BRIDGE_DATA_DIR"] = str(data)
    contents = deployment.files(texts, folder, owner)
    if show:
        for name, text in contents.items():
            click.echo(f"==> {folder / name} <==\n{text}")
        return
    deployment.write(contents, folder, owner, force=force)
    made = deployment.make_key(data, owner)
    for name, meaning in deployment.MEANINGS.items():
        click.echo(f"{folder.absolute() / name}: {meaning}")
    click.echo(f"{data / 'secret.key'}: {'the new key' if made else 'the key, as it was'}; back it up in another place")
    if not texts["BRIDGE_BASE_URL"].startswith("https://"):
        click.echo("Linnworks calls nothing but https: give a --base-url that begins so before you enter the manifest")
