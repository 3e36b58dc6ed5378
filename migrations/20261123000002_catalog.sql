-- A concert is one performance on one date. Its row never changes once it is on sale.
create table if not exists concerts (
    id           binary(16)   not null,
    concert_name varchar(255) not null,
    date         date         not null,
    created_at   datetime(6)  not null,
    version      int unsigned not null default 1,
    primary key (id),
    key concerts_date (date, id)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci;

-- A seat row is also the lock of the reservation that holds it: a reservation starts and stops being live only
-- in a transaction that has its seat's row locked.
--
--   free  is_reserved = 0, the three others null
--   held  is_reserved = 1, reserved_until = the hold's deadline; from that moment on it counts as free for
--         everybody, whether or not the sweep has been there
--   sold  is_reserved = 1, reserved_until null: what is paid has no deadline
create table if not exists seats (
    concert_id     binary(16)     not null,
    seat_number    int            not null,
    price          decimal(10, 2) not null,
    is_reserved    tinyint(1)     not null default 0,
    reserved_by    binary(16)     null,
    reserved_until datetime(6)    null,
    reservation_id binary(16)     null,
    primary key (concert_id, seat_number),
    -- "Is any seat of this concert free?" without reading the hall.
    key seats_free (concert_id, is_reserved, reserved_until),
    constraint seats_number_positive check (seat_number >= 1),
    constraint seats_price_positive check (price > 0)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci;
