-- insert_gifts: gifts as they stand in books
insert into giving_gifts
    (position, at_us, period, effective_on, fund, asset, amount_minor, visibility, fee_borne_by, state)
select * from unnest(
    $1::bigint[], $2::bigint[], $3::text[], $4::date[], $5::text[], $6::text[], $7::numeric[], $8::text[], $9::text[], $10::text[]
);

-- set_fees: what the provider kept of gifts that are known already
update giving_gifts as g set fee_minor = t.fee_minor, fee_position = t.fee_position
from unnest($1::bigint[], $2::numeric[], $3::bigint[]) as t (position, fee_minor, fee_position)
where g.position = t.position;
