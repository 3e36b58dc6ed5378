-- One row per payment of a reservation.
create table if not exists payments (
    id             binary(16)     not null,
    user_id        binary(16)     not null,
    reservation_id binary(16)     not null,
    amount         decimal(10, 2) not null,
    -- SUCCESS -> REFUNDED.
    payment_status varchar(16)    character set ascii collate ascii_bin not null,
    paid_at        datetime(6)    not null,
    -- When the payment was refunded, by which operator, and why if that was said.
    refunded_at    datetime(6)    null,
    refunded_by    varchar(255)   null,
    refund_reason  varchar(255)   null,
    -- Of a request with an idempotency key, a digest of all that it asked for, on its first payment.
    fingerprint    binary(16)     null,
    -- 1 for a successful payment, else null: at most one of them per reservation.
    successful     tinyint        generated always as (case when payment_status = 'SUCCESS' then 1 end) stored,
    primary key (id),
    unique key payments_reservation_successful (reservation_id, successful),
    -- A page of a user's payments, newest first.
    key payments_user (user_id, paid_at, id)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';
