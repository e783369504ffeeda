"""Policy files: what they say of logs, witnesses and quorums, and what they cannot say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import witness_policy
from ledger.cosignature import Cosigner
from ledger.errors import MalformedError
from ledger.note import SigningKey
from ledger.witness_policy import PolicyError

LOG = SigningKey("ledger.example.org/ledger", bytes(32))
NEXT = SigningKey("ledger.example.org/ledger", bytes([1]) * 32)
ONE, TWO, THREE = (Cosigner(f"witness-{n}.example.org", bytes([n]) * 32) for n in (1, 2, 3))
WITNESSES = (
    f"witness one {ONE.vkey} https://one.example.org/\nwitness two {TWO.vkey}\nwitness three {THREE.vkey} http://w3\n"
)
POLICY = f"""# whom we trust
log {LOG.vkey} https://ledger.example.org/ledger
log {NEXT.vkey}
{WITNESSES}
group far any two three
group enough 2 one far
quorum enough
"""


def test_a_policy_says_which_logs_and_witnesses_there_are() -> None:
    policy = witness_policy.parse(POLICY)
    assert policy.logs == {LOG.name: [LOG.verify_key, NEXT.verify_key]}
    assert [(w.name, w.key, w.url) for w in policy.witnesses.values()] == [
        ("one", ONE.verify_key, "https://one.example.org"),
        ("two", TWO.verify_key, None),
        ("three", THREE.verify_key, "http://w3"),
    ]


@pytest.mark.parametrize(
    ("cosigned", "satisfied"),
    [([], False), ([ONE], False), ([TWO, THREE], False), ([ONE, THREE], True), ([ONE, TWO, THREE], True)],
)
def test_a_quorum_counts_groups_as_one_member_each(cosigned: list[Cosigner], *, satisfied: bool) -> None:
    assert witness_policy.parse(POLICY).satisfied([w.verify_key for w in cosigned]) is satisfied


def test_a_quorum_is_as_new_as_the_oldest_witness_that_it_needs() -> None:
    policy = witness_policy.parse(POLICY)
    assert policy.quorum_value({ONE.verify_key: 10, TWO.verify_key: 30, THREE.verify_key: 20}) == 10
    assert policy.quorum_value({ONE.verify_key: 40, TWO.verify_key: 30, THREE.verify_key: 20}) == 30
    assert policy.quorum_value({TWO.verify_key: 30, THREE.verify_key: 20}) is None
    assert policy.quorum_value({}) is None


def test_quorum_none_asks_for_nothing_and_vouches_for_nothing() -> None:
    policy = witness_policy.parse(f"{WITNESSES}quorum none\n")
    assert policy.satisfied([])
    assert policy.quorum_value({ONE.verify_key: 10}) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "0 lines"),
        ("quorum none\nquorum none\n", "2 lines"),
        ("quorum one\n", "line 1: quorum 'one'"),
        ("quorum\n", "line 1: it is not `quorum"),
        ("log x\nquorum none\n", "line 1: key"),
        (f"log {ONE.vkey}\nquorum none\n", "line 1: the key of log"),
        (f"witness one {LOG.vkey}\nquorum none\n", "line 1: the key of witness"),
        (f"witness one {ONE.vkey} ftp://x\nquorum one\n", "line 1: 'ftp://x'"),
        (f"witness one {ONE.vkey} http://x y\nquorum one\n", "line 1: it is not"),
        (f"witness none {ONE.vkey}\nquorum none\n", "line 1: the name 'none'"),
        (f"{WITNESSES}witness one {ONE.vkey}\nquorum one\n", "line 4: the name 'one'"),
        (f"{WITNESSES}witness four {Cosigner('other', bytes([1]) * 32).vkey}\nquorum one\n", "line 4: .* count twice"),
        (f"group g any one\n{WITNESSES}quorum g\n", "line 1: member 'one'"),
        (f"{WITNESSES}group g 3 one two\nquorum g\n", "line 4: 3 of 2"),
        (f"{WITNESSES}group g 0 one two\nquorum g\n", "line 4: 0 of 2"),
        (f"{WITNESSES}group g +1 one two\nquorum g\n", "line 4: not a decimal"),
        (f"{WITNESSES}group g any one one\nquorum g\n", "line 4: member 'one' stands"),
        (f"{WITNESSES}group g any one\ngroup h any one\nquorum g\n", "line 5: member 'one' stands"),
        (f"{WITNESSES}group g any\nquorum g\n", "line 4: it is not `group"),
        ("trust everybody\nquorum none\n", "line 1: 'trust'"),
        ("#\n" * 1_001, "1001 lines"),
        ("".join(f"witness w{n} {Cosigner('w', bytes([n]) * 32).vkey}\n" for n in range(65)), "line 65: .* 64"),
    ],
)
def test_a_wrong_line_is_named(text: str, says: str) -> None:
    with pytest.raises(PolicyError, match=says):
        witness_policy.parse(text)


@pytest.mark.parametrize("text", [POLICY, f"{WITNESSES}quorum none\n", "quorum none\n", f"{WITNESSES}quorum two\n"])
def test_a_policy_is_written_as_it_was_read(text: str) -> None:
    policy = witness_policy.parse(text)
    assert witness_policy.parse(witness_policy.format_policy(policy)) == policy


@given(st.text(max_size=120))
def test_no_text_raises_anything_but_a_malformed_error(text: str) -> None:
    with pytest.raises(MalformedError):
        witness_policy.parse(text)
