"""Build sdist and wheel into dist/, and say what to tag: release.py [REPOSITORY].

REPOSITORY is the repository's address, such as https://github.com/you/linnworks-bridge, by default that of the remote
`origin`. The README's links, which point into the repository, become absolute with it, as do the links of the package.
"""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).absolute().parent.parent
LINK = re.compile(r"\]\((?![a-z]+:|#)([^)\s]{1,200})\)")


def main() -> None:
    """Build from what git knows of the tree, and check what was built."""
    repository = web_address(sys.argv[1] if len(sys.argv) > 1 else git("remote", "get-url", "origin", missing_ok=True))
    if not repository:
        sys.exit("release: name the repository's https address: make release REPOSITORY=https://github.com/you/name")
    version = read_version()
    tag = f"v{version}"
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch)
        for name in git("ls-files", "--cached", "--others", "--exclude-standard").splitlines():
            if (ROOT / name).is_file():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, tree / name)
        prepare(tree, repository, tag)
        shutil.rmtree(ROOT / "dist", ignore_errors=True)
        run(sys.executable, "-m", "build", "--outdir", str(ROOT / "dist"), str(tree))
    built = sorted(path.name for path in (ROOT / "dist").iterdir())
    print("\n".join(["", *(f"dist/{name}" for name in built), ""]))
    for todo in still_to_do(version):
        print(f"Before the release: {todo}")
    print(f"Then tag it:\n    git tag -a {tag} -m 'Release {version}'\n    git push origin {tag}")


def prepare(tree: Path, repository: str, tag: str) -> None:
    """Make the links of README and package absolute."""
    readme = tree / "README.md"
    readme.write_text(absolute(readme.read_text(encoding="utf-8"), f"{repository}/blob/{tag}"), encoding="utf-8")
    setup = tree / "setup.cfg"
    links = {
        "Documentation": f"{repository}/blob/{tag}/README.md#documentation",
        "Changelog": f"{repository}/blob/{tag}/CHANGELOG.md",
        "Source": repository,
        "Issues": f"{repository}/issues",
    }
    urls = "".join(f"    {name} = {address}\n" for name, address in links.items())
    text = setup.read_text(encoding="utf-8").replace(
        "[metadata]\n", f"[metadata]\nurl = {repository}\nproject_urls =\n{urls}", 1
    )
    configparser.ConfigParser(interpolation=None).read_string(text)
    setup.write_text(text, encoding="utf-8")


def absolute(text: str, base: str) -> str:
    """Return Markdown whose links into the repository begin with `base`; those of pictures lead to the file itself."""
    return LINK.sub(lambda link: f"]({base}/{link[1]}{'?raw=true' if link[1].endswith('.png') else ''})", text)


def web_address(remote: str) -> str:
    """Return the https address of a repository, "" if the remote has none."""
    found = re.fullmatch(
        r"(?:https://|ssh://git@|git@)([\w.-]{1,200})[:/]([\w./~-]{1,200}?)(?:\.git)?/?", remote.strip()
    )
    return f"https://{found[1]}/{found[2]}" if found else ""


def still_to_do(version: str) -> list[str]:
    """Return what is missing of a release."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    dated = re.search(rf"^## \[{re.escape(version)}\] - [0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}$", changelog, re.MULTILINE)
    return [
        *([] if dated else [f"CHANGELOG.md has no heading '## [{version}] - YYYY-MM-DD'"]),
        *(["commit what has changed"] if git("status", "--porcelain") else []),
        *([f"v{version} is tagged already: raise __version__"] if git("tag", "--list", f"v{version}") else []),
        ".ci/full",
    ]


def read_version() -> str:
    """Return the version of the package."""
    text = (ROOT / "bridge/__init__.py").read_text(encoding="utf-8")
    return text.partition('__version__ = "')[2].partition('"')[0]


def git(*words: str, missing_ok: bool = False) -> str:
    """Return what git prints."""
    ran = subprocess.run(["git", "-c", "safe.directory=*", "-C", str(ROOT), *words], capture_output=True, text=True)
    if ran.returncode and not missing_ok:
        sys.exit(f"release: {ran.stderr.strip()}")
    return "" if ran.returncode else ran.stdout.strip()


def run(*command: str) -> None:
    """Run a command; ends the program if it fails."""
    if status := subprocess.run(command).returncode:
        sys.exit(status)


if __name__ == "__main__":
    main()
