-- What a buyer and an operator ask afterwards: refunds, and the order of a wallet's entries.

-- payment_status: SUCCESS -> REFUNDED; reservations.status: CONFIRMED -> REFUNDED, which is not live, so the seat can be sold
-- again. When the payment was refunded, by which operator, and why if that was said.
set @ddl = if((select count(*) from information_schema.columns
    where table_schema = database() and table_name = 'payments' and column_name = 'refunded_at') = 0,
    'alter table payments add column refunded_at datetime(6) null, add column refunded_by varchar(128) null, add column refund_reason varchar(255) null',
    'do 0');
prepare statement from @ddl;
execute statement;
deallocate prepare statement;

-- wallet_entries.nth: the entry's number in its wallet, from 1, given out under the lock of the user's row: the order in which
-- balances changed, which moments cannot tell (those of a batch share one, and clocks differ). 0: older than these numbers.
-- wallet_entries.kind: RECHARGE (in), PAYMENT (out), REFUND (in).
set @ddl = if((select count(*) from information_schema.columns
    where table_schema = database() and table_name = 'wallet_entries' and column_name = 'nth') = 0,
    'alter table wallet_entries add column nth int unsigned not null default 0', 'do 0');
prepare statement from @ddl;
execute statement;
deallocate prepare statement;

-- users.entries: the number of the wallet's newest entry.
set @ddl = if((select count(*) from information_schema.columns
    where table_schema = database() and table_name = 'users' and column_name = 'entries') = 0,
    'alter table users add column entries int unsigned not null default 0', 'do 0');
prepare statement from @ddl;
execute statement;
deallocate prepare statement;

set @ddl = if((select count(*) from information_schema.statistics
    where table_schema = database() and table_name = 'wallet_entries' and index_name = 'wallet_entries_user_nth') = 0,
    'alter table wallet_entries add key wallet_entries_user_nth (user_id, nth, created_at, id)', 'do 0');
prepare statement from @ddl;
execute statement;
deallocate prepare statement;

set @ddl = if((select count(*) from information_schema.statistics
    where table_schema = database() and table_name = 'wallet_entries' and index_name = 'wallet_entries_user') > 0,
    'alter table wallet_entries drop key wallet_entries_user', 'do 0');
prepare statement from @ddl;
execute statement;
deallocate prepare statement;
