-- checkpoint_after: the newest signed checkpoint behind one size and up to another, or else the next one there is
select note from ledger_checkpoints where log = $1 and size > $2
order by size > $3, case when size > $3 then size else -size end limit 1;

-- stored_tile: a tile of level 1 or above, as far as it has grown
select hashes from ledger_tiles where log = $1 and level = $2 and n = $3;

-- beside: the rows that stand beside the entries [$2, $3) of a log, by part, as JSON; a batch is where it begins
select jsonb_build_object(
    'batches', (select coalesce(jsonb_agg(to_jsonb(b) order by first), '[]') from (
        select first, last, epoch, signature from ledger_batches where log = $1 and first >= $2 and first < $3) as b),
    'slots', (select coalesce(jsonb_agg(to_jsonb(s) order by position), '[]') from (
        select position, slot_hashes, boxes from ledger_slots where log = $1 and position >= $2 and position < $3) as s),
    'streams', (select coalesce(jsonb_agg(to_jsonb(s) order by position, stream), '[]') from (
        select stream, version, position from ledger_stream_entries
        where log = $1 and position >= $2 and position < $3) as s),
    'keys', (select coalesce(jsonb_agg(to_jsonb(k) order by first, key), '[]') from (
        select key, request_hash, first, count from ledger_idempotency where log = $1 and first >= $2 and first < $3) as k),
    'claims', (select coalesce(jsonb_agg(to_jsonb(c) order by position, kind, key), '[]') from (
        select kind, key, position from ledger_claims where log = $1 and position >= $2 and position < $3) as c),
    'inbox', (select coalesce(jsonb_agg(to_jsonb(i) order by position, key), '[]') from (
        select key, provider, type, object_key, body_key, body_sha256, received_at, state, attempts, outcome, position, finished_at
        from payments_inbox where $1 = 'books' and position >= $2 and position < $3 and state = 'done') as i),
    'fees', (select coalesce(jsonb_agg(to_jsonb(f) order by position, stream), '[]') from (
        select stream, position, reference, reference_key, since, known_zero_at
        from payments_pending_fees where $1 = 'books' and position >= $2 and position < $3) as f),
    'anchors', (select coalesce(jsonb_agg(to_jsonb(a) order by position), '[]') from (
        select position, nonce, notes from publishing_anchors where $1 = 'public' and position >= $2 and position < $3) as a),
    'effects', (select coalesce(jsonb_agg(to_jsonb(e) order by position), '[]') from (
        select position, kind, payload from publishing_effects where $1 = 'public' and position >= $2 and position < $3) as e),
    'covered', (select coalesce(jsonb_agg(to_jsonb(c) order by completed, log, position), '[]') from (
        select completed, log, position from erasure_covered where $1 = 'audit' and completed >= $2 and completed < $3) as c)
);

-- at_epoch: let a log be written as it was at an epoch; within the transaction that ends with `raise_epochs`
update ledger_heads set epoch = $2 where log = $1;

-- raise_epoch: whoever wrote to the log before is fenced
update ledger_heads set epoch = $2 + 1 where log = $1;

-- recover_inbox: marks of notices that are booked; a row that a backup brought back as new is done after all
insert into payments_inbox as i (key, provider, type, object_key, body_key, body_sha256, received_at, state, attempts, outcome,
    position, finished_at)
select key, provider, type, object_key, body_key, body_sha256, received_at, state, attempts, outcome, position, finished_at
from jsonb_populate_recordset(null::payments_inbox, $1::jsonb)
on conflict (key) do update set state = excluded.state, outcome = excluded.outcome, position = excluded.position,
    finished_at = excluded.finished_at, claimed_by = null, claimed_until = null
where i.state <> 'done';

-- recover_fees: fees that are owed an answer
insert into payments_pending_fees (stream, position, reference, reference_key, since, known_zero_at)
select stream, position, reference, reference_key, since, known_zero_at
from jsonb_populate_recordset(null::payments_pending_fees, $1::jsonb) on conflict (stream) do nothing;

-- owe_fees: gifts whose fee is not known, where no row says so yet
insert into payments_pending_fees (stream, position, reference, reference_key)
select * from unnest($1::bytea[], $2::bigint[], $3::bytea[], $4::text[]) on conflict (stream) do nothing;

-- settle_fees: gifts whose fee is booked after all
delete from payments_pending_fees where position = any($1::bigint[]);

-- recover_anchors: what opens anchors
insert into publishing_anchors (position, nonce, notes)
select position, nonce, notes from jsonb_populate_recordset(null::publishing_anchors, $1::jsonb) on conflict (position) do nothing;

-- recover_covered: which entries an erasure covers
insert into erasure_covered (completed, log, position)
select completed, log, position from jsonb_populate_recordset(null::erasure_covered, $1::jsonb) on conflict do nothing;

-- recover_effects: what an append of public did to the publisher's tables
insert into publishing_effects (position, kind, payload)
select position, kind, payload from jsonb_populate_recordset(null::publishing_effects, $1::jsonb) on conflict (position) do nothing;

-- tell_again: what waited is told, as the append at this position told it
select publishing_tell($1::jsonb, $2);
