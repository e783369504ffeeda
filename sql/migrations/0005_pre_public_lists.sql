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
