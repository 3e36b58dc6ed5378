-- Orders: the seats that were held in one call.

-- order_id: the order, which has the id of its first reservation. Null: the reservation is an order of its own, as most are,
-- and as all were before there were orders. An order is found among the reservations of its user, so there is no index.
-- extended_at: when the deadline was moved; that is possible once.
-- `add column if not exists` is MariaDB's alone; this can run again on both.
set @ddl = if((select count(*) from information_schema.columns
    where table_schema = database() and table_name = 'reservations' and column_name = 'order_id') = 0,
    'alter table reservations add column order_id binary(16) null, add column extended_at datetime(6) null', 'do 0');
prepare statement from @ddl;
execute statement;
deallocate prepare statement;
