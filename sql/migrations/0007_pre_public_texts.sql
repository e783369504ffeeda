-- What entries of `public` say in words of their own, for searching: a title, a reason, a vendor. Part of the lists, so these
-- are folded anew from the first entry.

create table public_texts (
    position  bigint   primary key,
    period    text     not null,
    -- The lists that the entry has lines in, so that a search keeps to whatever else was asked for.
    lists     int[]    not null,
    words     tsvector not null
);

create index public_texts_words on public_texts using gin (words);

delete from public_lists;
delete from public_lines;
delete from public_months;
update ledger_tracking set next = 0, failed = null where projection = 'public_lists';
