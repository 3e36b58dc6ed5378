-- A concert is one performance on one date.
create table if not exists concerts (
    id           binary(16)   not null,
    concert_name varchar(255) not null,
    date         date         not null,
    -- Raised by every change of the concert or its hall: what a process caches of a concert is valid for one version.
    version      int unsigned not null default 1,
    created_at   datetime(6)  not null,
    primary key (id),
    -- The coming dates, in their order, without sorting.
    key concerts_date (date, id)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';

-- A seat's row is also the lock of the reservation that holds it: a reservation starts and stops being live only in a
-- transaction that has its seat's row locked.
--
--   free  is_reserved = 0, the three others null
--   held  is_reserved = 1, reserved_until = the hold's deadline; from then on it counts as free for everybody, released
--         by the sweep or not
--   sold  is_reserved = 1, reserved_until null: what is paid has no deadline
--
-- No index but the primary key: every hold and every payment would have to update it.
-- row_format = redundant: null takes as much room as a value, so an update never moves the row within its page.
create table if not exists seats (
    concert_id     binary(16)     not null,
    -- Neighbours in a row have consecutive numbers: two seats are beside each other if section and seat_row are the
    -- same and the numbers differ by one.
    seat_number    int            not null,
    price          decimal(10, 2) not null,
    is_reserved    tinyint(1)     not null default 0,
    -- The user who holds or has bought the seat.
    reserved_by    binary(16)     null,
    reserved_until datetime(6)    null,
    -- The reservation that holds the seat or has sold it.
    reservation_id binary(16)     null,
    -- Who let the seat go last, that is, whose hold ended unpaid; how often in a row; and when. A user who does so again
    -- and again must leave the seat to others for a while. Here and not among the reservations, because whoever takes
    -- the seat reads this row anyway.
    let_go_by      binary(16)     null,
    let_go_times   tinyint unsigned not null default 0,
    let_go_at      datetime(6)    null,
    -- What its part of the hall is called ("Front"); null: the hall has no sections.
    section        varchar(32)    character set utf8mb4 collate utf8mb4_bin null,
    -- What its row is called within the section ("12"); null: the section has no rows.
    seat_row       varchar(16)    character set utf8mb4 collate utf8mb4_bin null,
    primary key (concert_id, seat_number),
    constraint seats_number_positive check (seat_number >= 1),
    constraint seats_price_positive check (price > 0)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci row_format = redundant
  comment = 'concert box office';

-- A compact copy of a hall, for readers that need not read every seat: a run has seats with consecutive numbers in the
-- same row of the same section at the same price.
create table if not exists seat_runs (
    concert_id binary(16)     not null,
    -- The numbers of its first and its last seat, both in the run.
    first_seat int            not null,
    last_seat  int            not null,
    price      decimal(10, 2) not null,
    -- As in seats.
    section    varchar(32)    character set utf8mb4 collate utf8mb4_bin null,
    seat_row   varchar(16)    character set utf8mb4 collate utf8mb4_bin null,
    primary key (concert_id, first_seat)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';
