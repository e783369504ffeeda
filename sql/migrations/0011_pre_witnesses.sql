-- What witnesses said of checkpoints of `public`: the newest line of each about each size. The other logs are vouched for by anchors
-- and shown to nobody.
create table witness_cosignatures (
    size    bigint not null check (size > 0),
    vkey    text   not null,
    time_s  bigint not null check (time_s >= 0),
    line    text   not null,
    primary key (size, vkey)
);
create index witness_cosignatures_by_witness on witness_cosignatures (vkey, size);
