-- What stands beside the entries is kept with the published files, by position. Rows come in the order of their positions,
-- so a few bytes per range of pages find them; an append pays next to nothing.
create index ledger_stream_entries_position on ledger_stream_entries using brin (position) with (pages_per_range = 16, autosummarize = on);
create index ledger_idempotency_first on ledger_idempotency using brin (first) with (pages_per_range = 16, autosummarize = on);
create index ledger_claims_position on ledger_claims using brin (position) with (pages_per_range = 16, autosummarize = on);
create index payments_inbox_position on payments_inbox (position) where position is not null;
