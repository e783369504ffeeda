-- Read models of giving: dropped and rebuilt from `books` at any time.

create table giving_gifts (
    stream         bytea   primary key,
    position       bigint  not null,
    at_us          bigint  not null,
    period         text    not null,
    fund           text    not null,
    asset          text    not null,
    amount_minor   numeric not null check (amount_minor > 0),
    visibility     text    not null check (visibility in ('live', 'quiet', 'hidden')),
    fee_borne_by   text    not null check (fee_borne_by in ('giver', 'charity')),
    fee_minor      numeric,
    fee_position   bigint,
    state          text    not null check (state in ('received', 'suspense'))
);
create index giving_gifts_newest on giving_gifts (position desc);
create index giving_gifts_fee_unknown on giving_gifts (position) where fee_minor is null;

-- Gifts that the publisher has passed over because their giver chose quiet or hidden: a later publisher takes them from here.
create table publishing_waiting (
    position    bigint primary key,
    visibility  text   not null check (visibility in ('quiet', 'hidden')),
    at_us       bigint not null
);
