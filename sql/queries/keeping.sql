-- heads: what each log is and how far it reaches
select log, origin, size, epoch from ledger_heads order by log;

-- tables: every table of ours, partitions as part of theirs
select c.relname as name
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition
order by c.relname;

-- counters: columns that count by themselves, with their sequences
select c.relname as table, a.attname as column, pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname) as sequence
from pg_attribute as a join pg_class as c on c.oid = a.attrelid join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = 'public' and a.attidentity <> '' and not c.relispartition;

-- raise_epochs: whoever still writes to what was here before is fenced
update ledger_heads set epoch = epoch + 1;

-- projections: where each read model stands, and how far its log reaches
select t.projection as name, t.log, t.next, t.failed, h.size
from ledger_tracking as t join ledger_heads as h on h.log = t.log order by t.projection;

-- reset_tracking: a rebuilt read model stands here
update ledger_tracking set next = $2, failed = null where projection = $1;
