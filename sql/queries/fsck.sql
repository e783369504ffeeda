-- Reading a whole log to judge it. Everything in here only reads.

-- page: entries as they are stored, from a position on
select position, type, period, at_us, bytes, leaf_hash
from ledger_entries where log = $1 and position >= $2 order by position limit $3;

-- batches: those that begin in a range of positions
select first, last, epoch, signature from ledger_batches where log = $1 and first >= $2 and first < $3 order by first;

-- slots: the slot hashes of a range of positions
select position, slot_hashes from ledger_slots where log = $1 and position >= $2 and position < $3;

-- checkpoints: those after one size and up to another
select size, root_hash, note from ledger_checkpoints where log = $1 and size > $2 and size <= $3 order by size;

-- signed_size: the size of the newest checkpoint
select coalesce(max(size), 0) from ledger_checkpoints where log = $1;

-- tile: one stored tile
select hashes from ledger_tiles where log = $1 and level = $2 and n = $3;

-- rules: the index over a log's own entries
select kind, name, position, data from ledger_rules where log = $1;

-- broken_streams: streams whose entries are not as many, or do not end, as they say
select coalesce(s.stream, e.stream) as stream
from (select stream, version, last_position from ledger_streams where log = $1) as s
full join (
    select stream, count(*) as n, max(version) as version, max(position) as position
    from ledger_stream_entries where log = $1 group by stream
) as e on e.stream = s.stream
where (s.version, s.version, s.last_position) is distinct from (e.n, e.version, e.position)
limit $2;

-- dangling: rows that speak of entries which are not there
select 'ledger_idempotency' as kind, first as position from ledger_idempotency where log = $1 and first + count > $2
union all select 'ledger_claims', position from ledger_claims where log = $1 and position >= $2
union all select 'ledger_stream_entries', position from ledger_stream_entries where log = $1 and position >= $2
union all select 'ledger_slots', position from ledger_slots where log = $1 and position >= $2
union all select 'ledger_batches', first from ledger_batches where log = $1 and last >= $2
union all select 'ledger_checkpoints', size from ledger_checkpoints where log = $1 and size > $2
order by 2 limit $3;
