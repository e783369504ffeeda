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
    insert into publishing_waiting (position, visibility, at_us)
    select (w ->> 'position')::bigint, w ->> 'visibility', (w ->> 'at_us')::bigint
    from jsonb_array_elements(waiting) as w;
end $$;
