"""Go's sumdb as a judge: our small Go program, built against Debian's golang.org/x/mod, and how to ask it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.requires import requires

SOURCE = Path(__file__).parent.parent / "ledger" / "oracle" / "main.go"
GOPATH = Path("/usr/share/gocode")
SUMDB = GOPATH / "src/golang.org/x/mod/sumdb/tlog"
BUILD_TIMEOUT_S = 300
RUN_TIMEOUT_S = 60
ORACLE_MARKS = [requires("go", also=SUMDB.is_dir()), pytest.mark.timeout(BUILD_TIMEOUT_S + RUN_TIMEOUT_S)]
"""For tests that ask it."""


def built_oracle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, built."""
    binary = tmp_path_factory.mktemp("oracle") / "oracle"
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": str(GOPATH), "GOFLAGS": "", "GOPROXY": "off"}
    if "HOME" not in environment:  # Go keeps its build cache there; without one it needs another place
        environment.setdefault("GOCACHE", str(tmp_path_factory.mktemp("gocache")))
    command = ["go", "build", "-o", str(binary), str(SOURCE)]
    built = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False
    )
    assert built.returncode == 0, built.stderr
    return binary


def ask(oracle: Path, request: dict[str, Any]) -> dict[str, Any]:
    """The oracle's answer to one request."""
    done = subprocess.run(
        [str(oracle)], input=json.dumps(request), capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
