-- What a purchase moves in indexes. Without the status in it, the index by user stays as it is when a hold is paid, given
-- back or lapses.
set @ddl = if((select count(*) from information_schema.statistics
    where table_schema = database() and table_name = 'reservations' and index_name = 'reservations_user_deadline') = 0,
    'alter table reservations add key reservations_user_deadline (user_id, expires_at)', 'do 0');
prepare statement from @ddl;
execute statement;
deallocate prepare statement;

set @ddl = if((select count(*) from information_schema.statistics
    where table_schema = database() and table_name = 'reservations' and index_name = 'reservations_user') > 0,
    'alter table reservations drop key reservations_user', 'do 0');
prepare statement from @ddl;
execute statement;
deallocate prepare statement;
