"""What anyone may read, without a login: tiles, checkpoint, keys, proofs, entries, totals per fund.

Its queries run as the database role `reader`, which can select the public partitions and nothing else; so no mistake
here can publish what was not published. Implements design/ledger.md 7 and reference/ledger.md (c).
"""
