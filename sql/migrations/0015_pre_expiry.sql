-- What is pending in `books` and when it expires, so that it is given back then. A read model: it is folded from the entries.
create table expiry_pending (
    position       bigint primary key,
    expires_at_us  bigint not null
);
create index expiry_pending_due on expiry_pending (expires_at_us);
