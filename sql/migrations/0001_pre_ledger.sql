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
