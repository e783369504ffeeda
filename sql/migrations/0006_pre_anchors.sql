-- What opens the anchors of `public`: the nonce and the notes that each commits to. Auditors get it; the public never does.
-- A row is written in the transaction that appends its anchor.
create table publishing_anchors (
    position  bigint primary key,
    nonce     bytea  not null check (length(nonce) = 32),
    notes     text[] not null
);
