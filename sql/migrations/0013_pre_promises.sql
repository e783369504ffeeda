-- The notes by which a key of the public log vouches for the key that signs promises to givers.
create table promises_keys (
    vkey  text primary key,
    note  text not null
);
