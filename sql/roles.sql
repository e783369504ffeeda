-- Who may do what. Applied after every migration; running it again changes nothing.
-- The roles have no login: the service's login is a member of all five and each pool takes one.

grant usage on schema public to secondwind_writer, secondwind_signer, secondwind_publisher, secondwind_reader,
    secondwind_auditor;

-- The writer appends to the logs and works the inbox and the read models. It changes no entry: it has no right to, and triggers refuse it.
grant select, insert on ledger_entries, ledger_slots, ledger_stream_entries, ledger_idempotency, ledger_claims, ledger_batches
    to secondwind_writer, secondwind_publisher;
grant select, insert, update on ledger_streams, ledger_balances, ledger_rules, ledger_tracking to secondwind_writer, secondwind_publisher;
grant select, insert on ledger_heads to secondwind_writer;
grant update (size, last_leaf_hash, last_at_us, rules_position) on ledger_heads to secondwind_writer, secondwind_publisher;
grant select on ledger_heads, ledger_partitions, ledger_checkpoints to secondwind_writer, secondwind_publisher;
grant select, insert, update, delete on payments_inbox, payments_pending_fees, giving_gifts to secondwind_writer;
-- Published files that contradict the database are found out by name.
grant select on ledger_tiles to secondwind_writer;
grant select on publishing_waiting, schema_migrations to secondwind_writer;
grant select, insert, update, delete on public_lists, public_lines, public_months, public_texts to secondwind_writer;
grant select, insert, update, delete on erasure_entries, erasure_entries_books, erasure_entries_public to secondwind_writer;
grant select, insert on erasure_covered to secondwind_writer;
grant select, insert, update, delete on expiry_pending to secondwind_writer;
grant execute on function ledger_forget_boxes(text, bigint[], text) to secondwind_writer;
grant execute on function ledger_add_partitions(text, bigint, bigint) to secondwind_writer, secondwind_publisher;

-- The publisher reads books and appends to public, with what opens its anchors.
grant select, insert, update, delete on publishing_waiting to secondwind_publisher;
grant select, insert on publishing_passes to secondwind_publisher;
grant select, insert, update (cleared) on publishing_batches to secondwind_publisher;
grant select, insert on publishing_anchors, publishing_effects to secondwind_publisher;
grant select on publishing_anchors, publishing_effects, erasure_covered to secondwind_writer;

-- The signer reads bytes, writes checkpoints and tiles, and may stop a log; nothing else.
grant select on ledger_heads, ledger_entries, ledger_batches, ledger_checkpoints, ledger_tiles to secondwind_signer;
grant update (halted) on ledger_heads to secondwind_signer;
grant insert on ledger_checkpoints, ledger_tiles to secondwind_signer;
grant update (hashes) on ledger_tiles to secondwind_signer;
grant select, insert on exports_papers, witness_cosignatures to secondwind_signer;
grant update (time_s, line) on witness_cosignatures to secondwind_signer;
grant select, insert, update on promises_keys to secondwind_signer;
grant select on promises_keys to secondwind_writer;

-- The reader serves the public: the partitions of `public`, never the tables above them.
grant select on ledger_entries_public, ledger_checkpoints_public, ledger_tiles_public, ledger_balances_public, ledger_rules_public,
    public_lists, public_lines, public_months, public_texts, exports_papers_public, witness_cosignatures to secondwind_reader;

-- The auditor reads every log, and writes nothing. What opens a slot or an anchor is handed out by a person, not by a route.
grant select on ledger_entries, ledger_checkpoints, ledger_tiles, ledger_rules, exports_papers to secondwind_auditor;

revoke execute on function ledger_add_partitions(text, bigint, bigint), ledger_refuse_truncate(regclass),
    ledger_forget_boxes(text, bigint[], text) from public;
