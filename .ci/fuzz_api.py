"""Have schemathesis play the OpenAPI description against a temporary server: fuzz_api.py SCHEMATHESIS.

Left out are its checks that suppose error statuses: every answer is status 200 with `Error`.
"""

from __future__ import annotations

import subprocess
import sys

from bridge.ops.temporary_server import temporary_server

STATUS_CHECKS = "negative_data_rejection,unsupported_method,missing_required_header,ignored_auth"

with temporary_server(BRIDGE_API_DOCS="true") as base_url:
    command = [
        *(sys.argv[1], "run", f"{base_url}/openapi.json", "--no-color", "--seed", "1"),
        *("--phases", "examples,coverage", "--checks", "all", "--exclude-checks", STATUS_CHECKS),
    ]
    sys.exit(subprocess.run(command, check=False).returncode)  # noqa: S603 (our own arguments)
