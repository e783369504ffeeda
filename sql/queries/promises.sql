-- Promises to givers are made anew from the books whenever they are asked for; only the word for their key is kept.

-- keep_key: keep the note by which the log's key vouches for a promise key
insert into promises_keys (vkey, note) values ($1, $2) on conflict (vkey) do update set note = excluded.note;

-- key_note: the note that vouches for a promise key
select note from promises_keys where vkey = $1;

-- published: the first $4 public entries of one type that are sealed under these keys and not older than a time
select e.position, e.bytes
from erasure_entries x
join ledger_entries e on e.log = x.log and e.position = x.position
where x.log = 'public' and x.key_id = any($1::text[]) and e.type = $2 and e.at_us >= $3
group by e.position, e.bytes order by e.position limit $4;
