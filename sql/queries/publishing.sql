-- publisher_next: how many entries of books the publisher has passed, so also the next position it reads
select next from ledger_tracking where projection = 'publisher';

-- publisher_advance: pass entries of which none is published now
select publishing_advance($1, $2, $3::jsonb);

-- publisher_companion: pass the entries that this append publishes, in the append's own transaction
select publishing_advance((p ->> 'from')::bigint, (p ->> 'to')::bigint, p -> 'waiting')
from unnest($1::jsonb[], $2::bigint[], $3::int[], $4::bool[]) as t (p, first, count, fresh)
where t.fresh;

-- policies: every publishing policy of public, in order
select data from ledger_rules where log = 'public' and kind = 'policy' order by position;

-- waiting_count: facts that are booked and wait unpublished, by what they wait for
select kind, count(*) as count from publishing_waiting group by kind;

-- told_companion: what waited is told, in the append's own transaction
select publishing_tell(p, first)
from unnest($1::jsonb[], $2::bigint[], $3::int[], $4::bool[]) as t (p, first, count, fresh)
where t.fresh;

-- anchor_companion: keep what opens an anchor, in the anchor's own transaction
insert into publishing_anchors (position, nonce, notes)
select first, decode(p ->> 'nonce', 'base64'), array(select jsonb_array_elements_text(p -> 'notes'))
from unnest($1::jsonb[], $2::bigint[], $3::int[], $4::bool[]) as t (p, first, count, fresh)
where t.fresh;

-- anchors_from: what opens the anchors from a position on
select position, nonce, notes from publishing_anchors where position >= $1 order by position limit $2;
