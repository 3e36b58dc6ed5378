-- People who buy. `password` holds an argon2id PHC string, or `!` for a user who has none: made by an operator, or by
-- an application that has a log-in of its own.
create table if not exists users (
    id         binary(16)     not null,
    -- Compared byte by byte: names that differ in case are different names.
    username   varchar(64)    character set utf8mb4 collate utf8mb4_bin not null,
    password   varchar(255)   character set ascii collate ascii_bin not null,
    -- Always the sum of the user's wallet_entries; `audit` proves it.
    balance    decimal(10, 2) not null default 0,
    created_at datetime(6)    not null,
    primary key (id),
    unique key users_username (username),
    constraint users_balance_not_negative check (balance >= 0)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci;
