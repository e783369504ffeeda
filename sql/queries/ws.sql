-- The websocket follows the public log with the reader's rights: the partitions of `public` and nothing else.

-- top: the newest position of public, -1 before the first
select coalesce(max(position), -1) from ledger_entries_public;

-- entries: the entries of public after a position
select position, bytes from ledger_entries_public where position > $1 order by position limit $2;

-- newest_note: the newest signed checkpoint
select note from ledger_checkpoints_public order by size desc limit 1;
