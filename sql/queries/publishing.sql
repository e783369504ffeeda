-- publisher_next: how many entries of books the publisher has passed, so also the next position it reads
select next from ledger_tracking where projection = 'publisher';

-- publisher_advance: pass entries of which none is published now
select publishing_advance($1, $2, $3::jsonb);

-- publisher_companion: pass the entries that this append publishes, in the append's own transaction
with kept as (
    insert into publishing_effects (position, kind, payload)
    select first, 'advance', p
    from unnest($1::jsonb[], $2::bigint[], $3::int[], $4::bool[]) as t (p, first, count, fresh) where t.fresh
)
select publishing_advance((p ->> 'from')::bigint, (p ->> 'to')::bigint, p -> 'waiting')
from unnest($1::jsonb[], $2::bigint[], $3::int[], $4::bool[]) as t (p, first, count, fresh)
where t.fresh;

-- policies: every publishing policy of public, in order
select data from ledger_rules where log = 'public' and kind = 'policy' order by position;

-- waiting_count: facts that are booked and wait unpublished, by what they wait for
select kind, count(*) as count from publishing_waiting group by kind;

-- told_companion: what waited is told, in the append's own transaction
with kept as (
    insert into publishing_effects (position, kind, payload)
    select first, 'tell', p
    from unnest($1::jsonb[], $2::bigint[], $3::int[], $4::bool[]) as t (p, first, count, fresh) where t.fresh
)
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

-- waiting_facts: the oldest of these kinds that are of this month or an earlier one
select e.position, e.type, e.at_us, e.bytes, e.leaf_hash
from publishing_waiting w join ledger_entries e on e.log = 'books' and e.position = w.position
where w.kind = any ($1::text[]) and e.period <= $2 order by w.position limit $3;

-- entries_behind: entries of books, and whether each still waits unpublished
select e.position, e.type, e.at_us, e.bytes, e.leaf_hash, w.position is not null as waits
from ledger_entries e left join publishing_waiting w on w.position = e.position
where e.log = 'books' and e.position = any ($1::bigint[]);

-- tell_nothing: a month's pass that had nothing to tell is done
select publishing_tell($1::jsonb, 0);

-- passes: which monthly passes are done, newest month first
select month, kind, owed from publishing_passes order by month desc, kind limit $1;

-- batches_to_clear: pooled help that is not cleared yet
select position from publishing_batches where not cleared order by position limit $1;

-- public_balances: what each fund has of these accounts in public
select fund, asset, sum(balance)::text as amount from ledger_balances
where log = 'public' and account = any ($1::text[]) group by fund, asset;
