-- People who buy.
--
-- For all migrations: every statement can run again, so that a migration that broke off is simply repeated. The comment
-- of a table marks it as ours: no migration touches a table without it. No foreign keys and no auto_increment; only SQL
-- that MariaDB >= 10.6 and MySQL >= 8.0 share.
create table if not exists users (
    -- Version 7 of UUID where the box office makes it, so that new rows lie together; an application may bring its own.
    id         binary(16)     not null,
    -- As it is shown.
    username   varchar(64)    character set utf8mb4 collate utf8mb4_bin not null,
    -- As it is compared, made by the box office (RFC 8265, UsernameCaseMapped): names that differ in case or in width
    -- are one name. Byte by byte, so that no collation has a say.
    username_key varchar(64)  character set utf8mb4 collate utf8mb4_bin not null,
    -- An argon2id PHC string, or `!` for a user without a password: one that an operator made, or an application that
    -- has a log-in of its own.
    password   varchar(255)   character set ascii collate ascii_bin not null,
    -- Always the sum of the user's wallet_entries; `audit` proves it. The check is the last guard of every payment.
    balance    decimal(10, 2) not null default 0,
    -- How many entries the wallet has, which is the number of the newest.
    entries    int unsigned   not null default 0,
    -- How often seats were added to the user under a limit. Nobody reads it. Because it is written, two transactions that
    -- add seats to one user collide on a cluster, where the lock of this row holds on its own node alone.
    seats_added int unsigned  not null default 0,
    created_at datetime(6)    not null,
    -- How often all access tokens of the user were revoked together: those that were signed under a lower number count
    -- no more.
    session_generation int unsigned not null default 0,
    -- Since when the user may neither log in nor join the queue; null: the user may.
    disabled_at  datetime(6)  null,
    -- When the person behind it was forgotten: the name says nothing since, and there is no password.
    forgotten_at datetime(6)  null,
    primary key (id),
    -- One user per name; log-in finds the user by it.
    unique key users_username_key (username_key),
    constraint users_balance_not_negative check (balance >= 0)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';
