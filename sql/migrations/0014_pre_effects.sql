-- What an append of `public` did to the publisher's own tables, by its first position; written in the append's transaction.
-- It is kept with the published files: a lost database's publisher is brought back by doing the same again.
create table publishing_effects (
    position  bigint primary key,
    kind      text   not null check (kind in ('advance', 'tell')),
    payload   jsonb  not null
);
