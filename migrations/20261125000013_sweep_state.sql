-- What a hold and a payment write: less.
--
-- reservations_expires_at: no payment moves it, unlike an index that knows what has become of a hold. It has every hold there
-- ever was, so the sweep remembers how far it has come.
-- seats_state goes, which every hold and every payment moved. Servers from before this migration name it: stop those first.
-- Redundant: null takes as much room as a value, so a seat that is taken stays where it is in its page. Every seat is
-- written once more for that.
create table if not exists sweep_state (
    id          tinyint     not null,
    -- The sweep has been at every hold whose deadline is before this.
    swept_until datetime(6) not null,
    primary key (id),
    constraint sweep_state_single_row check (id = 1)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci;

insert ignore into sweep_state (id, swept_until)
select 1, coalesce((select min(reserved_until) from seats where is_reserved = 1),
    (select max(expires_at) from reservations), '1970-01-01');

set @ddl = if((select count(*) from information_schema.statistics
    where table_schema = database() and table_name = 'reservations' and index_name = 'reservations_expires_at') = 0,
    'alter table reservations add key reservations_expires_at (expires_at)', 'do 0');
prepare statement from @ddl;
execute statement;
deallocate prepare statement;

set @ddl = if((select count(*) from information_schema.statistics
    where table_schema = database() and table_name = 'seats' and index_name = 'seats_state') > 0,
    'alter table seats drop key seats_state, row_format = redundant', 'do 0');
prepare statement from @ddl;
execute statement;
deallocate prepare statement;
