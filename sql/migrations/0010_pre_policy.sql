-- The publishing policy beyond live gifts: what waits for company or for its month, and what has been told of it.

create temporary table waited on commit drop as select position, visibility, at_us from publishing_waiting;
drop table publishing_waiting;
create table publishing_waiting (
    position  bigint primary key,
    kind      text   not null check (kind in ('fee', 'float', 'help', 'hidden', 'quiet', 'reversal')),
    at_us     bigint not null
);
create index publishing_waiting_kind on publishing_waiting (kind, position);
insert into publishing_waiting (position, kind, at_us) select position, visibility, at_us from waited;

-- Fees that were passed over before fees were told by the month.
insert into publishing_waiting (position, kind, at_us)
select e.position, 'fee', e.at_us
from ledger_entries e, ledger_tracking t
where e.log = 'books' and e.type = 'giving.fee.recorded.v1' and t.projection = 'publisher' and e.position < t.next;

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

create or replace function publishing_advance(from_position bigint, to_position bigint, waiting jsonb) returns void
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
