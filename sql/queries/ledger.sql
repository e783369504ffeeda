-- create_head: a log without entries; its genesis follows as its first append
insert into ledger_heads (log, origin, mode, time_zone, last_leaf_hash) values ($1, $2, $3, $4, sha256(''::bytea));

-- add_partitions: range partitions of entries, until two whole ones stand ahead of the size
select ledger_add_partitions($1, $2, $3);

-- partitions_end: the first position that no partition takes yet
select coalesce(max(to_position), 0) from ledger_partitions where log = $1;

-- head: the head row as it is, without a lock
select log, origin, time_zone, size, last_leaf_hash, last_at_us, epoch, rules_position, halted, mode
from ledger_heads where log = $1;

-- lock_head: the head row under its lock, and the database's clock; nothing else may be read by this statement (E2)
select log, origin, time_zone, size, last_leaf_hash, last_at_us, epoch, rules_position, halted,
       (extract(epoch from clock_timestamp()) * 1000000)::bigint as now_us
from ledger_heads where log = $1 for update;

-- clock: the database's clock
select (extract(epoch from clock_timestamp()) * 1000000)::bigint;

-- signing_time: the database's clock; where there are standbys, by a COMMIT that waits for them, with all before it (E5)
select (extract(epoch from clock_timestamp()) * 1000000)::bigint,
       case when current_setting('synchronous_standby_names') <> '' then pg_logical_emit_message(true, 'secondwind', '') end;

-- state: what planning needs, never read by the statement that locks: the clock, stream versions, idempotency keys, claims
select 't' as kind, null::bytea as key, '' as name, (extract(epoch from clock_timestamp()) * 1000000)::bigint as one,
       0::bigint as two, null::bytea as hash
union all
select 's', s.stream, '', s.version, 0, null
from ledger_streams s where s.log = $1 and s.stream = any($2::bytea[])
union all
select 'i', i.key, '', i.first, i.count, i.request_hash
from ledger_idempotency i where i.log = $1 and i.key = any($3::bytea[])
union all
select 'c', c.key, c.kind, c.position, 0, null
from unnest($4::text[], $5::bytea[]) as w (kind, key)
join ledger_claims c on c.log = $1 and c.kind = w.kind and c.key = w.key;

-- guard_balances: what stands in funds, owners put together, and what owners have, funds put together. Every column of the
-- key is named, so that only what is asked for is read, however many owners there are
select account, asset, fund, null::bytea as owner, sum(balance) as balance from ledger_balances
where log = $1 and account = any($3::text[]) and asset = any($2::text[]) and fund = any($4::text[])
group by account, asset, fund
union all
select account, asset, null, owner, sum(balance) from ledger_balances
where log = $1 and account = any($5::text[]) and asset = any($2::text[]) and fund = any($6::text[])
    and owner = any($7::bytea[])
group by account, asset, owner;

-- all_balances: every balance of a log, owners put together
select account, asset, fund, sum(balance) from ledger_balances where log = $1 group by account, asset, fund;

-- time_of: the time of one entry
select at_us from ledger_entries where log = $1 and position = $2;

-- balances_after: what entries of later months than $2 add to them, by month; none stands before $3
select period, p ->> 'account', p ->> 'asset', p ->> 'fund', sum((p ->> 'amount')::numeric)
from ledger_entries, jsonb_array_elements(convert_from(bytes, 'UTF8')::jsonb -> 'postings') as p
where log = $1 and position >= $3 and period > $2 group by 1, 2, 3, 4;

-- pending: entries that are to be resolved
select bytes from ledger_entries where log = $1 and position = any($2::bigint[]);

-- rules: everything in force
select kind, name, data from ledger_rules where log = $1 order by position;

-- write_batch: all that one batch leaves behind, if the head still stands where it was read; everything hangs on that move,
-- so nothing is written, and no row is locked before the head, where it does not. Answers with the database's clock
with moved as (
    update ledger_heads set size = $3, last_leaf_hash = $5, last_at_us = $6, rules_position = $7
    where log = $1 and size = $2 and epoch = $4 and halted is null
    returning size
), batch as (
    insert into ledger_batches (log, first, last, epoch, signature) select $1, $2, $3 - 1, $4, $8 from moved
), entries as (
    insert into ledger_entries (log, position, type, period, at_us, bytes, leaf_hash)
    select $1, e.* from moved, unnest($9::bigint[], $10::text[], $11::text[], $12::bigint[], $13::bytea[], $14::bytea[]) as e
), balances as (
    insert into ledger_balances as old (log, account, owner, asset, fund, balance, position)
    select $1, b.*, $3 from moved, unnest($15::text[], $16::bytea[], $17::text[], $18::text[], $19::numeric[]) as b
    on conflict (log, account, asset, fund, owner)
    do update set balance = old.balance + excluded.balance, position = excluded.position
), slots as (
    insert into ledger_slots (log, position, slot_hashes, boxes)
    select $1, s.* from moved, unnest($20::bigint[], $21::bytea[], $22::jsonb[]) as s
), stream_entries as (
    insert into ledger_stream_entries (log, stream, version, position)
    select $1, s.* from moved, unnest($23::bytea[], $24::bigint[], $25::bigint[]) as s
), streams as (
    insert into ledger_streams as old (log, stream, version, last_position)
    select $1, s.stream, max(s.version), max(s.position)
    from moved, unnest($23::bytea[], $24::bigint[], $25::bigint[]) as s (stream, version, position) group by s.stream
    on conflict (log, stream) do update set version = excluded.version, last_position = excluded.last_position
), keys as (
    insert into ledger_idempotency (log, key, request_hash, first, count)
    select $1, k.* from moved, unnest($26::bytea[], $27::bytea[], $28::bigint[], $29::int[]) as k
), claims as (
    insert into ledger_claims (log, kind, key, position)
    select $1, c.* from moved, unnest($30::text[], $31::bytea[], $32::bigint[]) as c
), rules as (
    insert into ledger_rules as old (log, kind, name, position, data)
    select $1, r.* from moved, unnest($33::text[], $34::text[], $35::bigint[], $36::jsonb[]) as r
    on conflict (log, kind, name) do update set position = excluded.position, data = excluded.data
)
select (extract(epoch from clock_timestamp()) * 1000000)::bigint from moved;

-- entries: a range of entries, from a position on
select position, type, at_us, bytes, leaf_hash from ledger_entries
where log = $1 and position >= $2 order by position limit $3;

-- stream: the entries of one stream, in the order of their versions
select e.position, e.type, e.at_us, e.bytes, e.leaf_hash
from ledger_stream_entries s join ledger_entries e on e.log = s.log and e.position = s.position
where s.log = $1 and s.stream = $2 order by s.version;

-- slots: the sealed slots of entries
select s.position, s.slot_hashes, s.boxes from ledger_slots s where s.log = $1 and s.position = any($2::bigint[]);

-- newest_checkpoint: the newest signed checkpoint
select size, root_hash, note, signed_at_us from ledger_checkpoints where log = $1 order by size desc limit 1;

-- batch_covering: the batches over a range of entries, with the leaf hash each ends in
select b.first, b.last, b.epoch, b.signature, e.leaf_hash as last_leaf_hash
from ledger_batches b join ledger_entries e on e.log = b.log and e.position = b.last
where b.log = $1 and b.last >= $2 and b.first < $3 order by b.first;

-- leaf_hash_at: the leaf hash of one entry
select leaf_hash from ledger_entries where log = $1 and position = $2;

-- add_checkpoint: one signed checkpoint; answers with the root that stands for its size
insert into ledger_checkpoints (log, size, root_hash, note, signed_at_us) values ($1, $2, $3, $4, $5)
on conflict (log, size) do nothing;

-- checkpoint_root: the root that was signed for a size
select root_hash from ledger_checkpoints where log = $1 and size = $2;

-- grow_tiles: hashes at the right edge of tiles of level 1 and above; a tile only ever grows
insert into ledger_tiles as old (log, level, n, hashes)
select $1, t.* from unnest($2::smallint[], $3::bigint[], $4::bytea[]) as t
on conflict (log, level, n) do update set hashes = excluded.hashes where length(excluded.hashes) > length(old.hashes);

-- edge_tile: one stored tile
select hashes from ledger_tiles where log = $1 and level = $2 and n = $3;

-- halt: stop appends to a log, with the reason
update ledger_heads set halted = $2 where log = $1 and halted is null;

-- tracking: where a projection stands, locked for its transaction
select next, failed from ledger_tracking where projection = $1 for update;

-- start_tracking: a projection that has applied nothing yet
insert into ledger_tracking (projection, log) values ($1, $2) on conflict (projection) do nothing;

-- advance_tracking: a projection has applied the entries before this position
update ledger_tracking set next = $2 where projection = $1;

-- fail_tracking: a projection stopped at an entry, with the reason
update ledger_tracking set failed = $2 where projection = $1;

-- trackings: every projection, where it stands and whether it stopped
select t.projection, t.log, t.next, t.failed, h.size - t.next as lag
from ledger_tracking t join ledger_heads h on h.log = t.log order by t.projection;
