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

-- Gifts that the publisher has passed over because their giver chose quiet or hidden: a later publisher takes them from here.
create table publishing_waiting (
    position    bigint primary key,
    visibility  text   not null check (visibility in ('quiet', 'hidden')),
    at_us       bigint not null
);
