-- One row per payment of a reservation. payment_status: SUCCESS.
create table if not exists payments (
    id             binary(16)     not null,
    user_id        binary(16)     not null,
    reservation_id binary(16)     not null,
    amount         decimal(10, 2) not null,
    payment_status varchar(16)    character set ascii collate ascii_bin not null,
    paid_at        datetime(6)    not null,
    -- 1 for a successful payment, else null: at most one of them per reservation.
    successful     tinyint        generated always as (case when payment_status = 'SUCCESS' then 1 end) stored,
    primary key (id),
    unique key payments_reservation_successful (reservation_id, successful),
    key payments_user (user_id, paid_at, id)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci;
