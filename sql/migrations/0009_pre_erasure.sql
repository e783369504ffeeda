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
