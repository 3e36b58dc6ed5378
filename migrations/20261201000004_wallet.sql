-- Every change of a balance, append-only.
create table if not exists wallet_entries (
    id            binary(16)     not null,
    user_id       binary(16)     not null,
    -- The entry's number in its wallet, from 1, given out under the lock of the user's row: the order in which balances
    -- changed, which moments cannot tell (those of a batch share one, and clocks differ).
    nth           int unsigned   not null default 0,
    -- RECHARGE (in), PAYMENT (out), REFUND (in).
    kind          varchar(16)    character set ascii collate ascii_bin not null,
    -- Signed: what was added to the balance.
    amount        decimal(10, 2) not null,
    balance_after decimal(10, 2) not null,
    -- The payment that an entry of kind PAYMENT or REFUND belongs to.
    payment_id    binary(16)     null,
    -- The payment from outside that an entry of kind RECHARGE stands for, as its sender or provider calls it.
    reference     varchar(128)   character set ascii collate ascii_bin null,
    created_at    datetime(6)    not null,
    -- Of a request with an idempotency key, a digest of all that it asked for.
    fingerprint   binary(16)     null,
    primary key (id),
    -- A page of a user's entries, newest first, and the place of an entry that a page begins after.
    key wallet_entries_user_nth (user_id, nth, created_at, id)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';

-- What users were credited for: one reference of one user is credited once. A table of its own, since an index of
-- wallet_entries would have to be written for every payment.
create table if not exists recharge_references (
    user_id   binary(16)   not null,
    reference varchar(128) character set ascii collate ascii_bin not null,
    entry_id  binary(16)   not null,
    primary key (user_id, reference)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';
