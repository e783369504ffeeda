-- The whole database as it is now, to be read in one go. A test holds it equal to the migrations, which decide.

-- ───── ledger ─────

-- The ledger's tables: entries, what stands beside them, and the heads that order them.
-- Every table is keyed by log first. Entries are partitioned by log, then by a range of positions,
-- from the first day: a table this large cannot be partitioned later.

create table ledger_heads (
    log             text    primary key check (log in ('books', 'audit', 'public')),
    origin          text    not null unique,
    mode            text    not null check (mode in ('demo', 'test', 'live')),
    time_zone       text    not null,
    size            bigint  not null default 0 check (size >= 0),
    last_leaf_hash  bytea   not null check (length(last_leaf_hash) = 32),
    last_at_us      bigint  not null default 0,
    -- Raised by restore and fail-over. A process compares it with the value it read at its own start.
    epoch           bigint  not null default 1 check (epoch > 0),
    -- Position of the newest entry that changed the rules (account, fund, type, policy, period, key); -1 before genesis.
    rules_position  bigint  not null default -1,
    -- Set by the signer when it will not sign what it reads; appends stop while it is set.
    halted          text
) with (fillfactor = 50);

create table ledger_entries (
    log        text   not null,
    position   bigint not null check (position >= 0),
    type       text   not null,
    period     text   not null,
    at_us      bigint not null,
    bytes      bytea  not null check (length(bytes) between 2 and 16384),
    leaf_hash  bytea  not null check (length(leaf_hash) = 32),
    primary key (log, position)
) partition by list (log);
create table ledger_entries_books  partition of ledger_entries for values in ('books')  partition by range (position);
create table ledger_entries_audit  partition of ledger_entries for values in ('audit')  partition by range (position);
create table ledger_entries_public partition of ledger_entries for values in ('public') partition by range (position);

-- Which range partitions exist. Ranges follow one another without a hole; the size may change for later ones.
create table ledger_partitions (
    log            text   not null,
    from_position  bigint not null,
    to_position    bigint not null check (to_position > from_position),
    primary key (log, from_position)
);

-- The erasable half of an entry: slot hashes in clear, values and salts sealed. Never published.
create table ledger_slots (
    log          text   not null,
    position     bigint not null,
    slot_hashes  bytea  not null check (length(slot_hashes) in (256, 512)),
    boxes        jsonb  not null,
    primary key (log, position)
) partition by list (log);
create table ledger_slots_books  partition of ledger_slots for values in ('books');
create table ledger_slots_audit  partition of ledger_slots for values in ('audit');
create table ledger_slots_public partition of ledger_slots for values in ('public');

-- Streams: their version, and which entries belong to them. Keys are keyed hashes; rows are erasable.
create table ledger_streams (
    log            text   not null,
    stream         bytea  not null check (length(stream) = 32),
    version        bigint not null check (version > 0),
    last_position  bigint not null,
    primary key (log, stream)
) with (fillfactor = 70);
create table ledger_stream_entries (
    log       text   not null,
    stream    bytea  not null,
    version   bigint not null,
    position  bigint not null,
    primary key (log, stream, version)
);

-- One row per idempotency key: never the answer itself, only where it stands.
create table ledger_idempotency (
    log           text   not null,
    key           bytea  not null check (length(key) = 32),
    request_hash  bytea  not null check (length(request_hash) = 32),
    first         bigint not null,
    count         int    not null check (count > 0),
    primary key (log, key)
);

-- One provider object may be claimed once per kind: a refund or payout line books once.
create table ledger_claims (
    log       text   not null,
    kind      text   not null,
    key       bytea  not null check (length(key) = 32),
    position  bigint not null,
    primary key (log, kind, key)
);

-- Balances per (account, owner, asset, fund). An empty owner is the account's own, unowned part.
create table ledger_balances (
    log       text    not null,
    account   text    not null,
    owner     bytea   not null default ''::bytea,
    asset     text    not null,
    fund      text    not null,
    balance   numeric not null,
    position  bigint  not null,
    primary key (log, account, asset, fund, owner)
) partition by list (log);
create table ledger_balances_books  partition of ledger_balances for values in ('books')  with (fillfactor = 50);
create table ledger_balances_audit  partition of ledger_balances for values in ('audit')  with (fillfactor = 50);
create table ledger_balances_public partition of ledger_balances for values in ('public') with (fillfactor = 50);

-- What the log has declared: accounts, funds, types, policy, closed periods, keys. An index over ledger.* entries.
create table ledger_rules (
    log       text   not null,
    kind      text   not null check (kind in ('account', 'fund', 'type', 'policy', 'period', 'key')),
    name      text   not null,
    position  bigint not null,
    data      jsonb  not null,
    primary key (log, kind, name)
) partition by list (log);
create table ledger_rules_books  partition of ledger_rules for values in ('books');
create table ledger_rules_audit  partition of ledger_rules for values in ('audit');
create table ledger_rules_public partition of ledger_rules for values in ('public');

-- One signature by the writer's key per batch; the signer refuses leaves that no batch covers.
create table ledger_batches (
    log        text   not null,
    first      bigint not null,
    last       bigint not null check (last >= first),
    epoch      bigint not null,
    signature  bytea  not null check (length(signature) = 64),
    primary key (log, first)
);

create table ledger_checkpoints (
    log           text   not null,
    size          bigint not null,
    root_hash     bytea  not null check (length(root_hash) = 32),
    note          text   not null,
    signed_at_us  bigint not null,
    primary key (log, size)
) partition by list (log);
create table ledger_checkpoints_books  partition of ledger_checkpoints for values in ('books');
create table ledger_checkpoints_audit  partition of ledger_checkpoints for values in ('audit');
create table ledger_checkpoints_public partition of ledger_checkpoints for values in ('public');

-- Tiles of level 1 and above; they grow at the right edge. Level 0 is the entries' own leaf hashes.
create table ledger_tiles (
    log     text     not null,
    level   smallint not null check (level between 1 and 63),
    n       bigint   not null check (n >= 0),
    hashes  bytea    not null check (length(hashes) between 32 and 8192 and length(hashes) % 32 = 0),
    primary key (log, level, n)
) partition by list (log);
create table ledger_tiles_books  partition of ledger_tiles for values in ('books');
create table ledger_tiles_audit  partition of ledger_tiles for values in ('audit');
create table ledger_tiles_public partition of ledger_tiles for values in ('public');

-- Where each projection stands: the number of entries it has applied, so also the next position it reads.
create table ledger_tracking (
    projection  text   primary key,
    log         text   not null,
    next        bigint not null default 0 check (next >= 0),
    failed      text
);

create function ledger_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'table % is append-only: % refused', tg_table_name, tg_op using errcode = 'restrict_violation';
end $$;

-- Row triggers on a partitioned table reach every partition; a TRUNCATE trigger does not, so partitions get their own.
create trigger no_change before update or delete on ledger_entries     for each row execute function ledger_refuse_change();
create trigger no_change before update or delete on ledger_checkpoints for each row execute function ledger_refuse_change();
create trigger no_change before update or delete on ledger_batches     for each row execute function ledger_refuse_change();
create trigger no_change before update or delete on ledger_idempotency for each row execute function ledger_refuse_change();
create trigger no_change before update or delete on ledger_claims      for each row execute function ledger_refuse_change();
alter table ledger_entries     enable always trigger no_change;
alter table ledger_checkpoints enable always trigger no_change;
alter table ledger_batches     enable always trigger no_change;
alter table ledger_idempotency enable always trigger no_change;
alter table ledger_claims      enable always trigger no_change;

create function ledger_refuse_truncate(target regclass) returns void language plpgsql as $$
begin
    execute format('create trigger no_truncate before truncate on %s for each statement execute function ledger_refuse_change()', target);
    execute format('alter table %s enable always trigger no_truncate', target);
end $$;
select ledger_refuse_truncate(t::regclass) from unnest(array[
    'ledger_entries', 'ledger_entries_books', 'ledger_entries_audit', 'ledger_entries_public',
    'ledger_checkpoints', 'ledger_checkpoints_books', 'ledger_checkpoints_audit', 'ledger_checkpoints_public',
    'ledger_batches', 'ledger_idempotency', 'ledger_claims']) as t;

-- Makes range partitions of one log until two whole ones stand ahead of its size. The service's roles own no table,
-- so it runs with its owner's rights; it can create partitions and nothing else. A table is made and then attached:
-- `create table … partition of` would lock the whole log against readers and writers, and queue them behind the slowest.
create function ledger_add_partitions(which text, size bigint, partition_entries bigint) returns int
language plpgsql security definer set search_path from current as $$
declare
    first bigint;
    made  int := 0;
    child text;
begin
    if which not in ('books', 'audit', 'public') then
        raise exception 'unknown log %', which;
    end if;
    if partition_entries < 256 or partition_entries % 256 <> 0 then
        raise exception 'partition size must be a multiple of 256, not %', partition_entries;
    end if;
    perform pg_advisory_xact_lock(hashtext('ledger_add_partitions'), hashtext(which));
    select coalesce(max(to_position), 0) into first from ledger_partitions where log = which;
    while first < size + 2 * partition_entries loop
        child := format('ledger_entries_%s_%s', which, first);
        execute format('create table %I (like ledger_entries_%s including all)', child, which);
        perform ledger_refuse_truncate(child::regclass);
        execute format('alter table ledger_entries_%s attach partition %I for values from (%s) to (%s)',
            which, child, first, first + partition_entries);
        insert into ledger_partitions (log, from_position, to_position) values (which, first, first + partition_entries);
        first := first + partition_entries;
        made := made + 1;
    end loop;
    return made;
end $$;

-- ───── payments ─────

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

-- ───── giving ─────

-- Read models of giving: dropped and rebuilt from `books` at any time.

create table giving_gifts (
    -- The gift's entry in `books`; what belongs to it later refers to this position.
    position       bigint  primary key,
    at_us          bigint  not null,
    period         text    not null,
    effective_on   date    not null,
    fund           text    not null,
    asset          text    not null,
    amount_minor   numeric not null check (amount_minor > 0),
    visibility     text    not null check (visibility in ('live', 'quiet', 'hidden')),
    fee_borne_by   text    not null check (fee_borne_by in ('giver', 'charity')),
    -- Null until the provider has said what it kept.
    fee_minor      numeric check (fee_minor > 0),
    fee_position   bigint,
    state          text    not null check (state in ('received', 'suspense')),
    constraint a_fee_is_whole check ((fee_minor is null) = (fee_position is null))
);
create index giving_gifts_fund on giving_gifts (fund, asset, state);
create index giving_gifts_fee_unknown on giving_gifts (position) where fee_minor is null;
create index giving_gifts_suspense on giving_gifts (position) where state = 'suspense';

-- What the publisher has passed over because it waits for company or for its month, by its position in `books`.
create table publishing_waiting (
    position  bigint primary key,
    kind      text   not null check (kind in ('fee', 'float', 'help', 'hidden', 'quiet', 'reversal')),
    at_us     bigint not null
);
create index publishing_waiting_kind on publishing_waiting (kind, position);

-- ───── publishing ─────

-- The publisher's progress is saved in the transaction that appends to `public`: each fact is published exactly once.
-- It moves by compare-and-swap, so of two publishers that read the same entries one is refused with all it wanted to append.

insert into ledger_tracking (projection, log) values ('publisher', 'books');

create function publishing_advance(from_position bigint, to_position bigint, waiting jsonb) returns void
language plpgsql as $$
begin
    update ledger_tracking set next = to_position where projection = 'publisher' and next = from_position;
    if not found then
        raise exception 'publisher was overtaken: it is no longer at %', from_position using errcode = 'serialization_failure';
    end if;
    insert into publishing_waiting (position, kind, at_us)
    select (w ->> 'position')::bigint, w ->> 'kind', (w ->> 'at_us')::bigint
    from jsonb_array_elements(waiting) as w;
end $$;

-- The monthly passes that are done: of each month and kind one, whether it told anything or not.
create table publishing_passes (
    month    text   not null check (month ~ '^\d{4}-\d{2}$'),
    kind     text   not null check (kind in ('fee', 'help', 'hidden', 'reversal')),
    -- What rounding has left untold so far, for the next month: [[account, fund, asset, minor units], …].
    owed     jsonb  not null default '[]',
    primary key (month, kind)
);

-- The leaves behind each batch's `data.lines`, in their order: whoever knows a line of it can be shown its path.
create table publishing_batches (
    position  bigint  primary key,
    leaves    bytea[] not null,
    -- Of pooled help: whether its payments are cleared. The whole batch has one status.
    cleared   boolean not null default true
);

-- What waited is told: all of it, now, or the append that tells it is refused. `first_position` is the append's first position.
create function publishing_tell(told jsonb, first_position bigint) returns void
language plpgsql as $$
declare
    gone bigint;
begin
    delete from publishing_waiting where position in (select p::bigint from jsonb_array_elements_text(told -> 'positions') as p);
    get diagnostics gone = row_count;
    if gone <> jsonb_array_length(told -> 'positions') then
        raise exception 'publisher was overtaken: what it wanted to tell is told' using errcode = 'serialization_failure';
    end if;
    insert into publishing_batches (position, leaves, cleared)
    select first_position + (b ->> 'offset')::bigint,
           array(select decode(leaf, 'base64') from jsonb_array_elements_text(b -> 'leaves') with ordinality as l (leaf, n) order by n),
           (b ->> 'cleared')::boolean
    from jsonb_array_elements(told -> 'batches') as b;
    update publishing_batches set cleared = true
    where not cleared and position in (select p::bigint from jsonb_array_elements_text(told -> 'clears') as p);
    get diagnostics gone = row_count;
    if gone <> jsonb_array_length(told -> 'clears') then
        raise exception 'publisher was overtaken: the batch is cleared' using errcode = 'serialization_failure';
    end if;
    if told ? 'month' then
        insert into publishing_passes (month, kind, owed) values (told ->> 'month', told ->> 'kind', told -> 'owed')
        on conflict do nothing;
        if not found then
            raise exception 'publisher was overtaken: this month is told' using errcode = 'serialization_failure';
        end if;
    end if;
end $$;

-- ───── public lists ─────

-- Lists over `public`, so that any filter is read from its newest end and any trial balance from a few rows: a fold of its
-- entries, dropped and rebuilt from them at any time. It holds nothing that the entries do not say.

-- One list per kind of line. Every entry leaves a line for itself, of its type alone, and one for each of its postings.
create table public_lists (
    id       int     primary key generated always as identity,
    type     text    not null,
    -- The posting's; all empty and 0 in the list of entries as such.
    account  text    not null,
    asset    text    not null,
    fund     text    not null,
    -- How many digits the posting's amount has, its sign left out: amounts are found by size, never exactly (attacks B4).
    digits   smallint not null check (digits between 0 and 31),
    -- The entry's period is over for an entry before it: so the rest are in order of their period, and these as well.
    late     boolean not null,
    -- How many lines it has, and the sum of their amounts.
    count    bigint  not null default 0,
    total    numeric not null default 0,
    unique (type, account, asset, fund, digits, late)
) with (fillfactor = 50);

create table public_lines (
    list      int     not null,
    position  bigint  not null,
    -- Sum of the amounts of this line and of those before it in its list.
    total     numeric not null,
    primary key (list, position)
);

-- Where the entries of a month stand. All late ones between `first` and `last` are of that month, and all others as well.
create table public_months (
    period  text    not null,
    late    boolean not null,
    first   bigint  not null,
    last    bigint  not null check (last >= first),
    primary key (period, late)
) with (fillfactor = 50);

-- What entries of `public` say in words of their own, for searching: a title, a reason, a vendor.
create table public_texts (
    position  bigint   primary key,
    period    text     not null,
    -- The lists that the entry has lines in, so that a search keeps to whatever else was asked for.
    lists     int[]    not null,
    words     tsvector not null
);

create index public_texts_words on public_texts using gin (words);

-- What opens the anchors of `public`: the nonce and the notes that each commits to. Auditors get it; the public never does.
-- A row is written in the transaction that appends its anchor.
create table publishing_anchors (
    position  bigint primary key,
    nonce     bytea  not null check (length(nonce) = 32),
    notes     text[] not null
);

-- ───── exports ─────

-- What exports carry besides the log: the certificate of their key, the verifier and its explanation. Kept for ever, each
-- for ranges that end at `since_size` or later, so that the same range is the same bytes after an upgrade.
create table exports_papers (
    log         text   not null,
    kind        text   not null check (kind in ('export-key', 'VERIFY.md', 'verify.py')),
    since_size  bigint not null check (since_size >= 0),
    content     bytea  not null check (length(content) between 1 and 16777216),
    primary key (log, kind, since_size)
) partition by list (log);
create table exports_papers_books  partition of exports_papers for values in ('books');
create table exports_papers_audit  partition of exports_papers for values in ('audit');
create table exports_papers_public partition of exports_papers for values in ('public');

create trigger no_change before update or delete on exports_papers for each row execute function ledger_refuse_change();
alter table exports_papers enable always trigger no_change;
select ledger_refuse_truncate(t::regclass) from unnest(array[
    'exports_papers', 'exports_papers_books', 'exports_papers_audit', 'exports_papers_public']) as t;

-- ───── erasure ─────

-- Where the entries of one person stand, by the keys that seal them, so that they are found when those are destroyed.
-- A fold of `ledger_slots`, dropped and rebuilt from it at any time; what is erased is in neither.
create table erasure_entries (
    key_id    text   not null,
    log       text   not null,
    position  bigint not null,
    primary key (key_id, log, position)
) partition by list (log);
create table erasure_entries_books  partition of erasure_entries for values in ('books');
create table erasure_entries_public partition of erasure_entries for values in ('public');

-- Which entries each completed erasure covers: whoever audits holds every slot that does not open against these, and
-- these against the root in the entry `completed` of `audit` (attacks A8).
create table erasure_covered (
    completed  bigint not null,
    log        text   not null,
    position   bigint not null,
    primary key (completed, log, position)
);
create index erasure_covered_entry on erasure_covered (log, position);

-- Bodies that are still kept, by the payment they are about.
create index payments_inbox_kept on payments_inbox (object_key) where body is not null;

-- Removes from entries what a destroyed key sealed; the slot hashes stay. It runs with its owner's rights, because
-- nobody else may change a slot, and can remove boxes and nothing else.
create function ledger_forget_boxes(which text, positions bigint[], key_id text) returns void
language sql security definer set search_path from current as $$
    update ledger_slots as s
    set boxes = (
        select coalesce(jsonb_agg(box order by n), '[]')
        from jsonb_array_elements(s.boxes) with ordinality as boxes (box, n)
        where box ->> 'key_id' <> $3
    )
    where s.log = $1 and s.position = any($2) and s.boxes @> jsonb_build_array(jsonb_build_object('key_id', $3))
$$;

-- ───── witness ─────

-- What witnesses said of checkpoints of `public`: the newest line of each about each size. The other logs are vouched for by anchors
-- and shown to nobody.
create table witness_cosignatures (
    size    bigint not null check (size > 0),
    vkey    text   not null,
    time_s  bigint not null check (time_s >= 0),
    line    text   not null,
    primary key (size, vkey)
);
create index witness_cosignatures_by_witness on witness_cosignatures (vkey, size);

-- What stands beside the entries is kept with the published files, by position. Rows come in the order of their positions,
-- so a few bytes per range of pages find them; an append pays next to nothing.
create index ledger_stream_entries_position on ledger_stream_entries using brin (position) with (pages_per_range = 16, autosummarize = on);
create index ledger_idempotency_first on ledger_idempotency using brin (first) with (pages_per_range = 16, autosummarize = on);
create index ledger_claims_position on ledger_claims using brin (position) with (pages_per_range = 16, autosummarize = on);
create index payments_inbox_position on payments_inbox (position) where position is not null;

-- ───── promises ─────

-- The notes by which a key of the public log vouches for the key that signs promises to givers.
create table promises_keys (
    vkey  text primary key,
    note  text not null
);

-- What an append of `public` did to the publisher's own tables, by its first position; written in the append's transaction.
-- It is kept with the published files: a lost database's publisher is brought back by doing the same again.
create table publishing_effects (
    position  bigint primary key,
    kind      text   not null check (kind in ('advance', 'tell')),
    payload   jsonb  not null
);

-- ───── expiry ─────

-- What is pending in `books` and when it expires, so that it is given back then. A read model: it is folded from the entries.
create table expiry_pending (
    position       bigint primary key,
    expires_at_us  bigint not null
);
create index expiry_pending_due on expiry_pending (expires_at_us);
