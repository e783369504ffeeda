-- What the provider told us, as it came, sealed; and what still has to be asked of it.

create table payments_inbox (
    -- SHA-256 of (provider, event id), or of the body where that cannot be read.
    key            bytea       primary key check (length(key) = 32),
    arrival        bigint      generated always as identity unique,
    provider       text        not null default 'stripe',
    type           text        not null,
    -- Keyed hash of the payment it is about: rows of one payment are worked one after another, in order of arrival.
    object_key     bytea       not null check (length(object_key) = 32),
    body           bytea,
    body_key       text        not null,
    body_sha256    bytea       not null check (length(body_sha256) = 32),
    received_at    timestamptz not null default now(),
    state          text        not null default 'new'
                   check (state in ('new', 'done', 'ignored', 'unhandled', 'dead')),
    -- Counted when claimed, so that a row which kills its worker is counted too.
    attempts       int         not null default 0,
    due_at         timestamptz not null default now(),
    claimed_by     text,
    claimed_until  timestamptz,
    -- A short sentence for people: `booked`, `duplicate`, `currency KWD is not held`, …; never a person's data.
    outcome        text,
    -- Where in `books` it is booked.
    position       bigint,
    finished_at    timestamptz,
    constraint finished_rows_say_when check ((state = 'new') = (finished_at is null))
) with (fillfactor = 80);
create index payments_inbox_work   on payments_inbox (due_at, arrival) where state = 'new';
create index payments_inbox_object on payments_inbox (object_key, arrival) where state in ('new', 'dead');
create index payments_inbox_state  on payments_inbox (state, type, arrival);
create index payments_inbox_bodies on payments_inbox (finished_at) where body is not null and state in ('done', 'ignored');

-- Fees that are owed an answer by the provider: one row per gift until its balance transaction is known and booked.
create table payments_pending_fees (
    stream           bytea       primary key check (length(stream) = 32),
    -- The gift's entry in `books`.
    position         bigint      not null,
    -- What to ask for, sealed: it holds provider object ids.
    reference        bytea       not null,
    reference_key    text        not null,
    since            timestamptz not null default now(),
    due_at           timestamptz not null default now(),
    attempts         int         not null default 0,
    claimed_by       text,
    claimed_until    timestamptz,
    -- Why the last attempt brought nothing; a short sentence for people.
    last_error       text,
    -- The provider kept nothing: there is nothing to book, so this row is the record that it is known.
    known_zero_at    timestamptz
);
create index payments_pending_fees_due on payments_pending_fees (due_at) where known_zero_at is null;

-- Leases due rows to a worker: never two of one payment at a time, and none behind a dead one. It walks the index of due
-- rows in order and stops at the limit, whatever the statistics say: after an outage they are wrong by the whole backlog,
-- and a plan that sorts it for every claim would keep it from ever being worked off.
create function payments_claim_notices(worker text, lease_s float8, wanted int) returns setof payments_inbox
language sql
set enable_sort = off set enable_bitmapscan = off set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
    update payments_inbox as i
    set claimed_by = worker, claimed_until = now() + make_interval(secs => lease_s), attempts = i.attempts + 1
    from (
        select w.key
        from payments_inbox as w
        where w.state = 'new' and w.due_at <= now() and (w.claimed_until is null or w.claimed_until <= now())
          and not exists (
              select from payments_inbox as before
              where before.object_key = w.object_key and before.arrival < w.arrival and before.state in ('new', 'dead')
          )
        order by w.due_at, w.arrival
        limit wanted
        for update skip locked
    ) as due
    where i.key = due.key
    returning i.*
$$;

-- Leases fees that are due to be asked for.
create function payments_claim_fees(worker text, lease_s float8, wanted int) returns setof payments_pending_fees
language sql
set enable_sort = off set enable_bitmapscan = off set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
    update payments_pending_fees as f
    set claimed_by = worker, claimed_until = now() + make_interval(secs => lease_s), attempts = f.attempts + 1
    from (
        select stream from payments_pending_fees
        where known_zero_at is null and due_at <= now() and (claimed_until is null or claimed_until <= now())
        order by due_at
        limit wanted
        for update skip locked
    ) as due
    where f.stream = due.stream
    returning f.*
$$;
