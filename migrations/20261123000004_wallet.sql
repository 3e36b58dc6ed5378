-- Every change of a balance, append-only. kind: RECHARGE (in), PAYMENT (out).
create table if not exists wallet_entries (
    id            binary(16)     not null,
    user_id       binary(16)     not null,
    kind          varchar(16)    character set ascii collate ascii_bin not null,
    -- Signed: what was added to the balance.
    amount        decimal(10, 2) not null,
    balance_after decimal(10, 2) not null,
    -- The payment that an entry of kind PAYMENT belongs to.
    payment_id    binary(16)     null,
    created_at    datetime(6)    not null,
    primary key (id),
    key wallet_entries_user (user_id, created_at, id)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci;
