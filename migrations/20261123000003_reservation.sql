-- One row per hold ever made. status: HELD -> CONFIRMED (paid), EXPIRED (deadline passed) or CANCELLED (given back).
create table if not exists reservations (
    id               binary(16)     not null,
    user_id          binary(16)     not null,
    concert_id       binary(16)     not null,
    seat_number      int            not null,
    status           varchar(16)    character set ascii collate ascii_bin not null,
    -- The price at the time of the hold: what `pay` must be given.
    price            decimal(10, 2) not null,
    performance_date date           not null,
    reserved_at      datetime(6)    not null,
    -- The deadline of the hold. Kept after payment, as a record.
    expires_at       datetime(6)    not null,
    last_updated_at  datetime(6)    not null,
    -- 1 while the reservation has its seat, else null, and nulls never collide: so a seat can expire any number of
    -- times, and the schema itself forbids selling it twice.
    live             tinyint        generated always as (case when status in ('HELD', 'CONFIRMED') then 1 end) stored,
    primary key (id),
    unique key reservations_seat_live (concert_id, seat_number, live),
    key reservations_user (user_id, status, expires_at),
    key reservations_deadline (status, expires_at)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci;
