-- add_pending: entries that are pending from now on
insert into expiry_pending (position, expires_at_us) select * from unnest($1::bigint[], $2::bigint[]);

-- drop_resolved: entries that are pending no longer
delete from expiry_pending where position = any($1::bigint[]);

-- due: pending entries whose time is over by the database's clock, the oldest first
select position from expiry_pending
where expires_at_us <= (extract(epoch from clock_timestamp()) * 1000000)::bigint
order by expires_at_us, position limit $1;
