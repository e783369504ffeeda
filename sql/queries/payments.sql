-- file_notices: keep notices, sealed; answers with the keys that are new
insert into payments_inbox (key, type, object_key, body, body_key, body_sha256, state, outcome, finished_at)
select key, type, object_key, body, body_key, body_sha256,
       case when ignored is null then 'new' else 'ignored' end, ignored, case when ignored is null then null else now() end
from unnest($1::bytea[], $2::text[], $3::bytea[], $4::bytea[], $5::text[], $6::bytea[], $7::text[])
     as t (key, type, object_key, body, body_key, body_sha256, ignored)
on conflict (key) do nothing
returning key;

-- claim_notices: lease due rows to a worker
select key, type, object_key, body, body_key, attempts from payments_claim_notices($1, $2, $3);

-- finish_notices: write the outcome of rows that led to no entry
update payments_inbox as i
set state = t.state, outcome = t.outcome, position = t.position, finished_at = now(), claimed_by = null, claimed_until = null
from unnest($1::bytea[], $2::text[], $3::text[], $4::bigint[]) as t (key, state, outcome, position)
where i.key = t.key and i.state = 'new';

-- inbox_done: a companion; the row is done in the transaction that books it, and the fee it owes is noted
with booked as (
    select decode(p ->> 'key', 'hex') as key, p ->> 'outcome' as outcome, p -> 'fee' as fee, first, fresh
    from unnest($1::jsonb[], $2::bigint[], $3::int[], $4::bool[]) as t (p, first, count, fresh)
), owed as (
    insert into payments_pending_fees (stream, position, reference, reference_key)
    select decode(fee ->> 'stream', 'hex'), first, decode(fee ->> 'reference', 'hex'), fee ->> 'reference_key'
    from booked where fresh
    on conflict (stream) do nothing
)
update payments_inbox as i
set state = 'done', outcome = b.outcome, position = b.first, finished_at = now(), claimed_by = null, claimed_until = null
from booked as b
where i.key = b.key and i.state = 'new';

-- delay_notice: try a claimed row again later; counted says whether this attempt counts against its limit
update payments_inbox
set due_at = now() + make_interval(secs => $3), outcome = $4, attempts = attempts - case when $5 then 0 else 1 end,
    claimed_by = null, claimed_until = null
where key = $1 and claimed_by = $2 and state = 'new';

-- bury_notice: give a claimed row up; it holds back only what is about the same payment
update payments_inbox
set state = 'dead', outcome = $3, finished_at = now(), claimed_by = null, claimed_until = null
where key = $1 and claimed_by = $2 and state = 'new';

-- retry_notices: work unhandled and dead rows again, of one type or (null) of all, where their body still exists
update payments_inbox
set state = 'new', attempts = 0, due_at = now(), outcome = null, position = null, finished_at = null
where state in ('unhandled', 'dead') and body is not null and ($1::text is null or type = $1);

-- count_notices: how many rows stand in each state, by type
select state, type, count(*) as count, min(received_at) as oldest
from payments_inbox group by state, type order by state, type;

-- list_notices: rows of one state, newest first, after a cursor
select arrival, type, state, attempts, outcome, position, received_at, due_at, finished_at
from payments_inbox
where state = $1 and ($2::text is null or type = $2) and arrival < $3
order by arrival desc limit $4;

-- sweep_bodies: forget bodies of rows finished that many days ago, at most so many at once
update payments_inbox set body = null
where key in (
    select key from payments_inbox
    where body is not null and state in ('done', 'ignored') and finished_at < now() - make_interval(days => $1)
    order by finished_at limit $2
);

-- claim_fees: lease fees that are due to be asked for
select stream, position, reference, reference_key, attempts from payments_claim_fees($1, $2, $3);

-- fee_known: a companion; the fee stops being owed in the transaction that books it
delete from payments_pending_fees
where stream in (
    select decode(p ->> 'stream', 'hex')
    from unnest($1::jsonb[], $2::bigint[], $3::int[], $4::bool[]) as t (p, first, count, fresh)
);

-- hint_fee: the provider named the balance transaction; ask again now
update payments_pending_fees
set reference = $2, reference_key = $3, due_at = least(due_at, now())
where stream = $1 and known_zero_at is null;

-- settle_fee: it is booked already, so nothing is owed
delete from payments_pending_fees where stream = $1;

-- zero_fee: the provider kept nothing; the row stays as the record that this is known
update payments_pending_fees
set known_zero_at = now(), last_error = null, claimed_by = null, claimed_until = null
where stream = $1;

-- delay_fee: ask again later
update payments_pending_fees
set due_at = now() + make_interval(secs => $3), last_error = $4, claimed_by = null, claimed_until = null
where stream = $1 and claimed_by = $2;

-- count_fees: fees still owed an answer, and since when
select count(*) as count, min(since) as oldest, count(last_error) as troubled
from payments_pending_fees where known_zero_at is null;

-- list_fees: fees still owed an answer, the longest waiting first
select position, since, due_at, attempts, last_error
from payments_pending_fees where known_zero_at is null order by since, position limit $1;

-- declared: the funds of books, and the assets that a processor's money may be booked in
select name, data ->> 'restriction' as restriction, null::jsonb as assets
from ledger_rules where log = 'books' and kind = 'fund'
union all
select name, null, data -> 'assets' from ledger_rules where log = 'books' and kind = 'account' and name = $1;

-- forget_bodies: forget what the provider told about these payments, as far as it is worked
update payments_inbox set body = null
where object_key = any($1::bytea[]) and body is not null and state in ('done', 'ignored');
