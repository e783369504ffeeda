-- What exports carry besides the log: the certificate of their key, the verifier and its explanation. Kept for ever, each
-- for ranges that end at `since_size` or later, so that the same range is the same bytes after an upgrade.
create table exports_papers (
    log         text   not null,
    kind        text   not null check (kind in ('export-key', 'VERIFY.md', 'verify.py')),
    since_size  bigint not null check (since_size >= 0),
    content     bytea  not null check (length(content) between 1 and 16777216),
    primary key (log, kind, since_size)
) partition by list (log);
create table exports_papers_books  partition of exports_papers for values in ('books');
create table exports_papers_audit  partition of exports_papers for values in ('audit');
create table exports_papers_public partition of exports_papers for values in ('public');

create trigger no_change before update or delete on exports_papers for each row execute function ledger_refuse_change();
alter table exports_papers enable always trigger no_change;
select ledger_refuse_truncate(t::regclass) from unnest(array[
    'exports_papers', 'exports_papers_books', 'exports_papers_audit', 'exports_papers_public']) as t;
