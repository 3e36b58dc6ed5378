-- One index that knows which seats are free, held until when, or sold, instead of two that a purchase had to move.
--
-- seats_state: free seats are (0, null), sold ones (1, null), held ones (1, deadline): the lapsed come first among the held.
-- `reservations_deadline` and `seats_free` go: servers from before this migration look for them by what they index, not by
-- name, and become slow without them; stop those first.
set @ddl = if((select count(*) from information_schema.statistics
    where table_schema = database() and table_name = 'seats' and index_name = 'seats_state') = 0,
    'alter table seats add key seats_state (is_reserved, reserved_until, concert_id)', 'do 0');
prepare statement from @ddl;
execute statement;
deallocate prepare statement;

set @ddl = if((select count(*) from information_schema.statistics
    where table_schema = database() and table_name = 'seats' and index_name = 'seats_free') > 0,
    'alter table seats drop key seats_free', 'do 0');
prepare statement from @ddl;
execute statement;
deallocate prepare statement;

set @ddl = if((select count(*) from information_schema.statistics
    where table_schema = database() and table_name = 'reservations' and index_name = 'reservations_deadline') > 0,
    'alter table reservations drop key reservations_deadline', 'do 0');
prepare statement from @ddl;
execute statement;
deallocate prepare statement;
