-- What range exports read. The role that serves the public reads partitions of `public` and nothing else, so each query
-- names those; for exports of another log, read by the auditor's role, the tables above take their place. $1 is the log.
-- Whatever a checkpoint covers never changes, so these reads need no common snapshot.

-- newest_size: the size of the newest checkpoint whose entries this database holds
select coalesce(max(size), 0) from ledger_checkpoints_public
where log = $1 and size <= coalesce(
    (select position + 1 from ledger_entries_public where log = $1 order by position desc limit 1), 0);

-- covering: the earliest checkpoint of size $2 or more
select size, note from ledger_checkpoints_public where log = $1 and size >= $2 order by size limit 1;

-- entries: the entries at positions $2 to $3 - 1
select bytes, leaf_hash from ledger_entries_public
where log = $1 and position >= $2 and position < $3 order by position;

-- entries_at: the entries at some positions
select position, bytes from ledger_entries_public where log = $1 and position = any($2::bigint[]) order by position;

-- at: when an entry was made, µs since 1970
select at_us from ledger_entries_public where log = $1 and position = $2;

-- declaring: what stands at positions $2 to $3 - 1 and is of the ledger's own types, but of none of $4
select position, type, bytes from ledger_entries_public
where log = $1 and position >= $2 and position < $3 and starts_with(type, 'ledger.') and type <> all($4::text[])
order by position;

-- newest_close: the newest close before position $2
select position, name as period from ledger_rules_public
where log = $1 and kind = 'period' and position < $2 order by position desc limit 1;

-- sums: what the postings of the entries at positions $2 to $3 - 1 sum to
select p ->> 'account' as account, p ->> 'asset' as asset, p ->> 'fund' as fund, sum((p ->> 'amount')::numeric)::text as amount
from ledger_entries_public as e cross join lateral
    jsonb_array_elements(convert_from(e.bytes, 'UTF8')::jsonb -> 'postings') as p
where e.log = $1 and e.position >= $2 and e.position < $3
group by 1, 2, 3;

-- leaf_hashes: the leaf hashes at positions $2 to $3 - 1, as one string
select string_agg(leaf_hash, ''::bytea order by position) from ledger_entries_public
where log = $1 and position >= $2 and position < $3;

-- stored_tiles: the tiles of level 1 or above whose (level, n) stand in two parallel arrays
select level, n, hashes from ledger_tiles_public
where log = $1 and (level, n) in (select * from unnest($2::smallint[], $3::bigint[]));

-- papers: of each kind the paper for ranges that end at $2; one that came later stands in where there was none yet
select distinct on (kind) kind, content from exports_papers_public where log = $1
order by kind, since_size > $2, case when since_size > $2 then since_size else -since_size end;

-- newest_papers: of each kind the newest paper, and how many entries the log holds
select h.size, p.kind, p.content from ledger_heads as h left join (
    select distinct on (log, kind) log, kind, content from exports_papers where log = $1 order by log, kind, since_size desc
) as p on p.log = h.log where h.log = $1;

-- add_paper: a paper of kind $2 for ranges that end at $3 or later
insert into exports_papers (log, kind, since_size, content) values ($1, $2, $3, $4) on conflict do nothing;
