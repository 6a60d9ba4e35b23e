import sys
from pathlib import Path

# `python -m` puts the current folder first, where anything may lie
if Path(sys.path[0]).absolute() != Path(__file__).absolute().parent.parent:
    del sys.path[0]

from bridge.cli import main

main(prog_name="linnworks-bridge")
