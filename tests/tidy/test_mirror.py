"""Tests mirror sources: server/x.py is tested by tests/server/test_x.py, or the table says where."""

from __future__ import annotations

import pytest

from tests.support.service import ROOT
from tests.tidy.test_house import SOURCES

# Parts that only work together, or that are told from outside. An entry whose source has a test of its own must go.
ELSEWHERE = {
    "ledger/errors.py": "tests/server/http/test_middleware.py",
    "ledger/reader.py": "tests/ledger/test_store.py",
    "ledger/rows.py": "tests/ledger/test_store_contract.py",
    "ledger/sums.py": "tests/ledger/test_store_contract.py",
    "ledger/types.py": "tests/ledger/test_plan.py",
    "realtime/channels.py": "tests/realtime/test_subscription.py",
    "realtime/codes.py": "tests/realtime/test_connection.py",
    "realtime/errors.py": "tests/realtime/test_messages.py",
    "realtime/frames.py": "tests/server/ws/test_endpoint.py",
    "server/__main__.py": "tests/server/cli/test_dispatch.py",
    "server/app.py": "tests/server/cli/test_serve.py",
    "server/audit/reads.py": "tests/server/audit/test_routes.py",
    "server/birth.py": "tests/server/cli/test_serve.py",
    "server/cli/database.py": "tests/server/cli/test_admin.py",
    "server/exports/folds.py": "tests/server/exports/test_maker.py",
    "server/exports/models.py": "tests/server/exports/test_routes.py",
    "server/exports/opener.py": "tests/server/exports/test_openings.py",
    "server/exports/papers.py": "tests/server/exports/test_maker.py",
    "server/exports/source.py": "tests/server/exports/test_maker.py",
    "server/exports/spool.py": "tests/server/exports/test_maker.py",
    "server/cli/open.py": "tests/e2e/test_erasure.py",
    "server/erasure/build.py": "tests/server/cli/test_erase.py",
    "server/keeping/backup.py": "tests/server/cli/test_keep.py",
    "server/keeping/rebuild.py": "tests/server/cli/test_keep.py",
    "server/keeping/restore.py": "tests/server/cli/test_keep.py",
    "server/chart.py": "tests/server/domains/giving/test_decide.py",
    "server/demo.py": "tests/e2e/test_path.py",
    "server/edge.py": "tests/e2e/test_path.py",
    "server/public/chosen.py": "tests/server/exports/test_sheet.py",
    "server/parts.py": "tests/e2e/test_path.py",
    "server/domains/giving/outgoing_commands.py": "tests/server/domains/giving/test_outgoing.py",
    "server/domains/giving/outgoing_types.py": "tests/server/domains/giving/test_outgoing.py",
    "server/publishing/companions.py": "tests/server/publishing/test_publisher.py",
    "server/publishing/telling.py": "tests/server/publishing/test_publisher.py",
    "server/roles/publisher.py": "tests/e2e/test_path.py",
    "server/roles/signer.py": "tests/server/cli/test_serve.py",
    "server/roles/worker.py": "tests/e2e/test_path.py",
    "server/vault/errors.py": "tests/server/vault/test_vault.py",
    "server/ws/sources.py": "tests/server/ws/test_endpoint.py",
}
MODULES = {
    path.relative_to(ROOT).as_posix(): ROOT / "tests" / path.relative_to(ROOT).parent / f"test_{path.name}"
    for path in SOURCES
    if path.name != "__init__.py"
}


@pytest.mark.parametrize("source", sorted(MODULES))
def test_each_source_has_its_test(source: str) -> None:
    where = ELSEWHERE.get(source)
    if where is None:
        assert MODULES[source].is_file(), f"write {MODULES[source].relative_to(ROOT)}"
    else:
        assert (ROOT / where).is_file()
        assert not MODULES[source].is_file(), f"{source} has a test of its own now: strike it from the table"


def test_the_table_names_only_what_exists() -> None:
    assert [source for source in ELSEWHERE if source not in MODULES] == []
