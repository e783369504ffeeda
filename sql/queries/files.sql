-- checkpoint_after: the newest signed checkpoint behind one size and up to another, or else the next one there is
select note from ledger_checkpoints where log = $1 and size > $2
order by size > $3, case when size > $3 then size else -size end limit 1;

-- stored_tile: a tile of level 1 or above, as far as it has grown
select hashes from ledger_tiles where log = $1 and level = $2 and n = $3;
