-- Logs that are not public, for auditors. Their role may read entries, checkpoints and tiles of every log, and nothing else.

-- checkpoint: the newest checkpoint whose entries this database holds; a replica may be behind
select size, note from ledger_checkpoints
where log = $1 and size <= coalesce(
    (select position + 1 from ledger_entries where log = $1 order by position desc limit 1), 0)
order by size desc limit 1;

-- stored_tile: one tile of level 1 or above, with the size of the newest checkpoint
select
    coalesce((select size from ledger_checkpoints where log = $1 order by size desc limit 1), 0) as size,
    (select hashes from ledger_tiles where log = $1 and level = $2 and n = $3) as hashes;

-- leaf_tile: the leaf hashes at positions $2 to $3 - 1, with the size of the newest checkpoint
select
    coalesce((select size from ledger_checkpoints where log = $1 order by size desc limit 1), 0) as size,
    (select string_agg(leaf_hash, ''::bytea order by position) from ledger_entries
     where log = $1 and position >= $2 and position < $3) as hashes;

-- bundle: the bytes of the entries at positions $2 to $3 - 1, with the size of the newest checkpoint
select
    coalesce((select size from ledger_checkpoints where log = $1 order by size desc limit 1), 0) as size,
    array(select bytes from ledger_entries where log = $1 and position >= $2 and position < $3 order by position)
        as entries;
