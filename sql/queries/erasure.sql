-- Finding what one key seals, and removing what leads to whom it belonged to.

-- index_books: the keys of people that seal these entries of books
insert into erasure_entries_books (key_id, log, position)
select box ->> 'key_id', s.log, s.position
from ledger_slots s, jsonb_array_elements(s.boxes) as box
where s.log = 'books' and s.position = any($1::bigint[]) and box ->> 'key_id' <> 'service'
on conflict do nothing;

-- index_public: the same of public
insert into erasure_entries_public (key_id, log, position)
select box ->> 'key_id', s.log, s.position
from ledger_slots s, jsonb_array_elements(s.boxes) as box
where s.log = 'public' and s.position = any($1::bigint[]) and box ->> 'key_id' <> 'service'
on conflict do nothing;

-- sealed_by: the entries that hold a box of these keys, whether they are in the index yet or not, in order
with found as (
    select log, position from erasure_entries where key_id = any($1::text[])
    union
    select s.log, s.position
    from ledger_heads h
    left join ledger_tracking t on t.projection = 'erasure_entries_' || h.log
    join ledger_slots s on s.log = h.log and s.position >= coalesce(t.next, 0)
    where h.log in ('books', 'public')
)
select box ->> 'key_id' as key_id, e.log, e.position, e.type, e.leaf_hash
from found f
join ledger_slots s on s.log = f.log and s.position = f.position
join ledger_entries e on e.log = f.log and e.position = f.position,
jsonb_array_elements(s.boxes) as box
where box ->> 'key_id' = any($1::text[])
order by e.log, e.position;

-- forget_boxes: remove a key's boxes from entries of one log
select ledger_forget_boxes($1, $2::bigint[], $3);

-- forget_index: remove a key from the index
delete from erasure_entries where key_id = $1;

-- cover: say which entries of a log a completed erasure is about
insert into erasure_covered (completed, log, position)
select $1, $2, unnest($3::bigint[])
on conflict do nothing;

-- of_type: entries of one type in `audit`, from a position on
select position, type, at_us, bytes, leaf_hash from ledger_entries
where log = 'audit' and type = $1 and position >= $2 order by position limit $3;

-- covered: the entries that a completed erasure is about
select log, position from erasure_covered where completed = $1 order by log, position;

-- covering: the completed erasures that an entry is part of
select completed from erasure_covered where log = $1 and position = $2;

-- boxes: entries of one log with private fields, from a position on: groups and keys of the boxes they still have
select s.position, e.type, e.leaf_hash,
    array(select box ->> 'group' from jsonb_array_elements(s.boxes) as box) as groups,
    array(select box ->> 'key_id' from jsonb_array_elements(s.boxes) as box) as keys
from ledger_slots s join ledger_entries e on e.log = s.log and e.position = s.position
where s.log = $1 and s.position >= $2 order by s.position limit $3;

-- covered_leaves: the entries that a completed erasure is about, with their leaf hashes, in order
select c.log, c.position, e.leaf_hash
from erasure_covered c join ledger_entries e on e.log = c.log and e.position = c.position
where c.completed = $1 order by c.log, c.position;
