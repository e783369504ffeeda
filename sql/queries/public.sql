-- Everything the public side may ask. Its role can read the public partitions and nothing else, so each query names
-- them and never the tables above them. Whatever is answered together is read by one statement, or in one snapshot (E14).

-- newest_checkpoint: the newest checkpoint whose entries this database holds, with what witnesses said of it; a replica may be behind
select size, note || coalesce((select string_agg(line, '' order by vkey) from witness_cosignatures as w where w.size = c.size), '') as note
from ledger_checkpoints_public as c
where log = 'public' and size <= coalesce(
    (select position + 1 from ledger_entries_public where log = 'public' order by position desc limit 1), 0)
order by size desc limit 1;

-- cosigned: the newest $1 sizes that witnesses cosigned and whose checkpoints are here, each with its note and the lines
select c.size, c.note, array_agg(w.vkey order by w.vkey) as vkeys, array_agg(w.time_s order by w.vkey) as times,
    array_agg(w.line order by w.vkey) as lines
from (select distinct size from witness_cosignatures order by size desc limit $1) as s
join ledger_checkpoints_public as c on c.log = 'public' and c.size = s.size
join witness_cosignatures as w on w.size = s.size
group by c.size, c.note
order by c.size desc;

-- covering_checkpoint: the earliest checkpoint of size $1 or more whose entries this database holds
select size, note from ledger_checkpoints_public
where log = 'public' and size >= $1 and size <= coalesce(
    (select position + 1 from ledger_entries_public where log = 'public' order by position desc limit 1), 0)
order by size limit 1;

-- stored_tile: one tile of level 1 or above, with the size of the newest checkpoint
select
    coalesce((select size from ledger_checkpoints_public where log = 'public' order by size desc limit 1), 0) as size,
    (select hashes from ledger_tiles_public where log = 'public' and level = $1 and n = $2) as hashes;

-- leaf_tile: the leaf hashes at positions $1 to $2 - 1, with the size of the newest checkpoint
select
    coalesce((select size from ledger_checkpoints_public where log = 'public' order by size desc limit 1), 0) as size,
    (select string_agg(leaf_hash, ''::bytea order by position) from ledger_entries_public
     where log = 'public' and position >= $1 and position < $2) as hashes;

-- bundle: the bytes of the entries at positions $1 to $2 - 1, with the size of the newest checkpoint
select
    coalesce((select size from ledger_checkpoints_public where log = 'public' order by size desc limit 1), 0) as size,
    array(select bytes from ledger_entries_public
          where log = 'public' and position >= $1 and position < $2 order by position) as entries;

-- page: the newest $3 entries from position $1 to $2 - 1, with the number of all; one row without position when there are none
-- Positions are dense, so the page is a range with both ends: no plan, however ill-informed, reads more than the page.
with head as materialized (
    select coalesce((select position + 1 from ledger_entries_public where log = 'public'
                     order by position desc limit 1), 0) as size)
select head.size, e.position, e.type, e.period, e.at_us, e.leaf_hash, e.bytes
from head left join lateral (
    select position, type, period, at_us, leaf_hash, bytes from ledger_entries_public
    where log = 'public' and position >= greatest($1, least($2, head.size) - $3) and position < least($2, head.size)
    ) as e on true
order by e.position desc;

-- size: how many entries there are
select coalesce((select position + 1 from ledger_entries_public where log = 'public' order by position desc limit 1), 0);

-- entry: the bytes of one entry, and whether a checkpoint covers it, after which nothing can take it back
select bytes, leaf_hash,
    position < coalesce((select max(size) from ledger_checkpoints_public where log = 'public'), 0) as covered
from ledger_entries_public where log = 'public' and position = $1;

-- exists: whether there is an entry at a position
select exists (select from ledger_entries_public where log = 'public' and position = $1);

-- stored_tiles: the tiles of level 1 or above whose (level, n) stand in two parallel arrays
select level, n, hashes from ledger_tiles_public
where log = 'public' and (level, n) in (select * from unnest($1::smallint[], $2::bigint[]));

-- leaf_hashes: the leaf hashes at positions $1 to $2 - 1, as one string
select string_agg(leaf_hash, ''::bytea order by position) from ledger_entries_public
where log = 'public' and position >= $1 and position < $2;

-- funds: what each declared fund received, paid in fees and has at hand (attacks C1, C4), with the number of entries folded
select
    coalesce((select position + 1 from ledger_entries_public where log = 'public' order by position desc limit 1), 0) as size,
    fund.name, fund.data ->> 'title' as title, fund.data ->> 'restriction' as restriction,
    sums.asset, sums.received::text as received, sums.fees::text as fees, sums.available::text as available
from ledger_rules_public as fund
left join (
    select fund, asset,
        -coalesce(sum(balance) filter (where account = 'income:gifts'), 0) as received,
        coalesce(sum(balance) filter (where account = 'expenses:processing'), 0) as fees,
        coalesce(sum(balance) filter (where account in
            ('assets:cash', 'liabilities:accrued_fees', 'liabilities:due_to_general')), 0) as available
    from ledger_balances_public where log = 'public' group by fund, asset) as sums on sums.fund = fund.name
where fund.log = 'public' and fund.kind = 'fund'
order by fund.position, sums.asset;

-- key_entries: the entries that open the log, introduce a key or retire one
select e.bytes from ledger_entries_public as e
where e.log = 'public' and (e.position = 0 or e.position in (
    select position from ledger_rules_public where log = 'public' and kind = 'key'))
order by e.position;

-- newest_month: the latest period that has an entry in the lists, and how many entries they hold
select max(period) as period, coalesce(max(last) + 1, 0) as size from public_months;

-- named_lists: the lists that bear these names
select l.id, l.total, l.type, l.account, l.asset, l.fund, l.digits, l.late
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::bool[])
    as g (type, account, asset, fund, digits, late)
join public_lists as l using (type, account, asset, fund, digits, late);

-- add_lists: new lists, empty
insert into public_lists (type, account, asset, fund, digits, late)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::bool[])
returning id, total, type, account, asset, fund, digits, late;

-- add_lines: lines at the ends of their lists, each with the sum up to itself
insert into public_lines (list, position, total) select * from unnest($1::int[], $2::bigint[], $3::numeric[]);

-- set_totals: lists that have grown, by so many lines and to such sums
update public_lists as l set count = l.count + g.added, total = g.total
from unnest($1::int[], $2::bigint[], $3::numeric[]) as g (id, added, total) where l.id = g.id;

-- add_months: where the entries of months stand
insert into public_months as m (period, late, first, last)
select * from unnest($1::text[], $2::bool[], $3::bigint[], $4::bigint[])
on conflict (period, late) do update set last = excluded.last;

-- balances_at: the balances after the first $1 entries that are not zero
select l.account, l.asset, l.fund, sum(newest.total)::text as balance
from public_lists as l cross join lateral (
    select total from public_lines where list = l.id and position < $1 order by position desc limit 1) as newest
where l.account <> ''
group by l.account, l.asset, l.fund having sum(newest.total) <> 0;

-- declared_names: what a filter may name
select kind, name from ledger_rules_public where log = 'public' and kind in ('fund', 'account')
union select 'asset', jsonb_array_elements_text(data -> 'assets') from ledger_rules_public
where log = 'public' and kind = 'account'
union select 'type', jsonb_object_keys((data ->> 'registry')::jsonb -> 'types') from ledger_rules_public
where log = 'public' and kind = 'type'
order by 1, 2;

-- words_in_names: which of the words $1 each declared name and its title has, as bits; first those that mean anything at all
with term as (
    select 1 << (number - 1)::int as bit, plainto_tsquery('english', word) as query
    from unnest($1::text[]) with ordinality as t (word, number)
), named as (
    select kind, name, name || ' ' || coalesce(data ->> 'title', '') as words from ledger_rules_public
    where log = 'public' and kind in ('fund', 'account')
    union select 'asset', asset, asset from ledger_rules_public, jsonb_array_elements_text(data -> 'assets') as asset
    where log = 'public' and kind = 'account'
    union select 'type', type, type from ledger_rules_public, jsonb_object_keys((data ->> 'registry')::jsonb -> 'types') as type
    where log = 'public' and kind = 'type'
)
select '' as kind, '' as name, coalesce(bit_or(bit), 0) as bits from term where numnode(query) > 0
union all
select kind, name, bit_or(bit) from named join term
    on to_tsvector('english', regexp_replace(named.words, '[._:/-]', ' ', 'g')) @@ term.query
group by kind, name;

-- fitting_lists: the lists that a filter asks for, and where in them: of postings when $1, else of whole entries, null: of both
-- A month is two ranges, of late entries and of all others, and within each there is nothing of another month.
-- `worded`: the names in $9, $10 that the list bears have all the words of $12 among theirs, $11.
with name as (select * from unnest($9::text[], $10::text[], $11::int[]) as n (kind, name, bits))
select l.id, l.count, m.first, m.last,
    (coalesce(t.bits, 0) | coalesce(a.bits, 0) | coalesce(f.bits, 0) | coalesce(s.bits, 0)) & $12::int = $12 as worded
from public_lists as l join (
    select late, min(first) as first, max(last) as last from public_months
    where $2::text is null or period = $2 group by late) as m on m.late = l.late
left join name as t on t.kind = 'type' and t.name = l.type
left join name as a on a.kind = 'account' and a.name = l.account
left join name as f on f.kind = 'fund' and f.name = l.fund
left join name as s on s.kind = 'asset' and s.name = l.asset
where ($1::bool is null or (l.account <> '') = $1)
  and ($3::text is null or l.type = $3)
  and ($4::text is null or l.fund = $4)
  and ($5::text is null or l.asset = $5)
  and ($6::text is null or l.account = $6 or starts_with(l.account, $6 || ':'))
  and l.digits between $7 and $8;

-- older_texts: the newest $5 entries before position $2 with all of the words $1 in their own text, in one of the lists $3, of a month $4
select position from public_texts
where words @@ plainto_tsquery('english', $1) and position < $2
  and ($3::int[] is null or lists && $3) and ($4::text is null or period = $4)
order by position desc limit $5;

-- newer_texts: the oldest $5 entries after position $2 with all of the words $1 in their own text, in one of the lists $3, of a month $4
select position from public_texts
where words @@ plainto_tsquery('english', $1) and position > $2
  and ($3::int[] is null or lists && $3) and ($4::text is null or period = $4)
order by position limit $5;

-- add_texts: what entries say in words of their own
insert into public_texts (position, period, lists, words)
select position, period, string_to_array(lists, ' ')::int[], to_tsvector('english', words)
from unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) as t (position, period, lists, words);

-- older_in_lists: the newest $6 entries before position $5 that stand in any of the lists, each looked at between two positions, or are in $7
-- A few from each list, $4 of them, tell how far the page can reach at most; then no list is read beyond that.
with part as materialized (
    select * from unnest($1::int[], $2::bigint[], $3::bigint[], $4::int[]) as p (list, first, last, few)
), reach as materialized (
    select (
        select position from (
            select distinct line.position from part cross join lateral (
                select position from public_lines
                where list = part.list and position between part.first and part.last and position < $5
                order by position desc limit part.few) as line) as sample
        order by position desc offset $6::bigint - 1 limit 1) as position
)
select e.position, e.type, e.period, e.at_us, e.leaf_hash, e.bytes
from (
    select line.position from reach, part cross join lateral (
        select position from public_lines
        where list = part.list and position between greatest(part.first, reach.position) and part.last and position < $5
        order by position desc limit $6) as line
    union select unnest($7::bigint[])
    order by position desc limit $6) as hit
cross join lateral (
    select * from ledger_entries_public where log = 'public' and position = hit.position limit 1) as e
order by e.position desc;

-- newer_in_lists: the oldest $6 entries after position $5 in any of the lists, newest first, each looked at between two positions, or in $7
-- A few from each list, $4 of them, tell how far the page can reach at most; then no list is read beyond that.
with part as materialized (
    select * from unnest($1::int[], $2::bigint[], $3::bigint[], $4::int[]) as p (list, first, last, few)
), reach as materialized (
    select (
        select position from (
            select distinct line.position from part cross join lateral (
                select position from public_lines
                where list = part.list and position between part.first and part.last and position > $5
                order by position limit part.few) as line) as sample
        order by position offset $6::bigint - 1 limit 1) as position
)
select e.position, e.type, e.period, e.at_us, e.leaf_hash, e.bytes
from (
    select line.position from reach, part cross join lateral (
        select position from public_lines
        where list = part.list and position between part.first and least(part.last, reach.position) and position > $5
        order by position limit $6) as line
    union select unnest($7::bigint[])
    order by position limit $6) as hit
cross join lateral (
    select * from ledger_entries_public where log = 'public' and position = hit.position limit 1) as e
order by e.position desc;
