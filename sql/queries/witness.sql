-- What witnesses of the public log said, as the signer's role keeps it.

-- store: keep a witness's line about size $1 unless a later one is there
insert into witness_cosignatures (size, vkey, time_s, line) values ($1, $2, $3, $4)
on conflict (size, vkey) do update set time_s = excluded.time_s, line = excluded.line
where witness_cosignatures.time_s < excluded.time_s;

-- reached: the largest size that each of the witnesses $1 cosigned, with its time
select distinct on (vkey) vkey, size, time_s from witness_cosignatures where vkey = any($1) order by vkey, size desc;
