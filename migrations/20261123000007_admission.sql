-- Admission: who picks a turn up, how fast the queue moves, and how operators steer it.

-- When the holder first showed up (polled or acted) after the token had become ACTIVE. Null while ACTIVE: nobody has picked
-- the turn up yet, expires_at is the end of the claim window, and a token that ends so has the ended_reason NO_SHOW.
-- `add column if not exists` is MariaDB's alone; this can run again on both.
set @ddl = if((select count(*) from information_schema.columns
    where table_schema = database() and table_name = 'tokens' and column_name = 'claimed_at') = 0,
    'alter table tokens add column claimed_at datetime(6) null', 'do 0');
prepare statement from @ddl;
execute statement;
deallocate prepare statement;

-- Turns that began before there was a claim window are picked up.
update tokens set claimed_at = admitted_at where status = 'ACTIVE' and claimed_at is null;

-- departed: how many ever left the queue or outlasted it while WAITING. no_shows: how many turns nobody ever picked up.
-- paused: nobody is let in. per_minute: the most tokens that are let in within any 60 seconds; null: no such limit.
set @ddl = if((select count(*) from information_schema.columns
    where table_schema = database() and table_name = 'queue_gate' and column_name = 'paused') = 0,
    'alter table queue_gate add column departed bigint unsigned not null default 0, add column no_shows bigint unsigned not null default 0, add column paused tinyint not null default 0, add column per_minute int unsigned null',
    'do 0');
prepare statement from @ddl;
execute statement;
deallocate prepare statement;

-- How many were let in when, written while queue_gate.per_minute is set; older than a minute: deleted.
create table if not exists queue_admissions (
    admitted_at datetime(6)  not null,
    admitted    int unsigned not null,
    primary key (admitted_at)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci;

-- The gate's counters every few seconds over the last minutes: how fast the queue moves, for every process alike.
create table if not exists queue_pace (
    sampled_at datetime(6)     not null,
    admitted   bigint unsigned not null,
    departed   bigint unsigned not null,
    waiting    bigint unsigned not null,
    -- 1: the queue stood still since the sample before, on purpose, so the time between says nothing.
    resumed    tinyint         not null,
    primary key (sampled_at)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci;

-- Who changed which setting of the queue, and when; append-only. change_seq and nth: their order.
create table if not exists queue_control_log (
    change_seq bigint unsigned  not null,
    nth        int unsigned     not null,
    changed_at datetime(6)      not null,
    changed_by varchar(128)     not null,
    -- paused, max_active or per_minute.
    setting    varchar(16)      character set ascii collate ascii_bin not null,
    was        varchar(16)      character set ascii collate ascii_bin not null,
    becomes    varchar(16)      character set ascii collate ascii_bin not null,
    primary key (change_seq, nth)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci;
