-- A sale: concerts behind one queue. What changes under the lock of its queue stands in queue_gate.
create table if not exists sales (
    id         binary(16)   not null,
    -- As it is shown.
    name       varchar(255) not null,
    -- When joining begins, when people are let in, and when the sale ends; null: no bound. By the database's time.
    doors_at   datetime(6)  null,
    opens_at   datetime(6)  null,
    closes_at  datetime(6)  null,
    -- Who comes first of those who wait at the doors: ARRIVAL (who joined first) or DRAW (a draw at the opening).
    entry_order varchar(16) character set ascii collate ascii_bin not null default 'ARRIVAL',
    -- The most seats that one user may have of all its concerts, held and sold together; null: no limit.
    max_seats_per_user int unsigned null,
    -- When that was last changed: who had more seats before keeps them, and `audit` knows. Null: never.
    limit_changed_at datetime(6) null,
    -- Raised by every change of this row: what a process remembers of a sale is valid for one version.
    version    int unsigned not null default 1,
    created_at datetime(6)  not null,
    primary key (id),
    -- Operators find a sale by its name.
    unique key sales_name (name)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';

-- The sale that is meant where none is named: always open, ordered by arrival.
insert ignore into sales (id, name, created_at) values (x'00000000000070008000000000000001', 'Default', '1970-01-01 00:00:00');

-- A concert is one performance on one date.
create table if not exists concerts (
    id           binary(16)   not null,
    concert_name varchar(255) not null,
    date         date         not null,
    -- When it begins, by the clocks of its venue; null: not said.
    start_time   time         null,
    -- The venue's zone, an IANA name; null: that of the house.
    time_zone    varchar(64)  character set ascii collate ascii_bin null,
    -- The sale whose queue stands before it; it never changes.
    sale_id      binary(16)   not null default x'00000000000070008000000000000001',
    -- ON_SALE, CLOSED (nothing is held) or CANCELLED (called off: nothing is held or paid, payments are refunded).
    status       varchar(16)  character set ascii collate ascii_bin not null default 'ON_SALE',
    -- Why it was called off, by which operator, and when.
    cancel_reason varchar(255) null,
    cancelled_by varchar(255) null,
    cancelled_at datetime(6)  null,
    -- When the last of its seats was off sale and the last payment refunded; null: that is not so, or not yet.
    cleared_at   datetime(6)  null,
    -- Which process clears it renews this; another goes on where it is some seconds old.
    clearing_at  datetime(6)  null,
    -- The most seats that one user may have, held and sold together; null: no limit.
    max_seats_per_user int unsigned null,
    -- When that was last changed, as for sales.
    limit_changed_at datetime(6) null,
    -- Raised by every change of the concert or its hall: what a process caches of a concert is valid for one version.
    version      int unsigned not null default 1,
    -- The version at which seats were added or prices changed last: a drawing of the hall is valid for one.
    plan_version int unsigned not null default 1,
    created_at   datetime(6)  not null,
    primary key (id),
    -- The coming dates, in their order, without sorting.
    key concerts_date (date, id),
    -- Operators name concerts.
    key concerts_name (concert_name),
    -- The concerts of a sale.
    key concerts_sale (sale_id, date),
    -- Concerts that were called off and are not cleared yet.
    key concerts_to_clear (status, cleared_at)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';

-- A seat's row is also the lock of the reservation that holds it: a reservation starts and stops being live only in a
-- transaction that has its seat's row locked.
--
--   free  is_reserved = 0, the three others null
--   held  is_reserved = 1, reserved_until = the hold's deadline; from then on it counts as free for everybody, released
--         by the sweep or not
--   sold  is_reserved = 1, reserved_until null: what is paid has no deadline
--   blocked  is_reserved = 1, blocked_reason is not null, the others null: not on sale. Whoever asks whether a seat is free
--         need not know of it
--
-- No index of anything that a hold or a payment changes: each would have to update it.
-- row_format = redundant: null takes as much room as a value, so an update never moves the row within its page.
create table if not exists seats (
    concert_id     binary(16)     not null,
    -- Unique in the hall. Which seats are neighbours the place says.
    seat_number    int            not null,
    -- What whoever holds it next pays; 0: nothing, though it is paid for all the same.
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
    -- Its place in the row, where neighbours have consecutive places and an aisle is a gap; null: its number.
    place          int            null,
    -- Why it is not on sale; null: it is, or was sold.
    blocked_reason varchar(255)   null,
    -- What is special about it, with commas between: ACCESSIBLE, RESTRICTED_VIEW, ..
    marks          varchar(255)   character set ascii collate ascii_bin null,
    -- Where it stands in a drawing of the hall; null: made from the rows.
    x              int            null,
    y              int            null,
    primary key (concert_id, seat_number),
    constraint seats_number_positive check (seat_number >= 1),
    -- Why seats are not on sale, for the count of those: no hold and no payment changes it.
    key seats_blocked (blocked_reason(1), concert_id),
    constraint seats_place_positive check (place is null or place >= 1),
    constraint seats_price_not_negative check (price >= 0)
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

-- Codes that give entry to a sale.
create table if not exists access_codes (
    id         binary(16)   not null,
    sale_id    binary(16)   not null,
    -- SHA-256 of the code. The code itself is nowhere.
    code_hash  binary(32)   not null,
    -- PRESALE (entry before the opening) or FRONT (a place in front).
    kind       varchar(16)  character set ascii collate ascii_bin not null,
    -- How often it may be redeemed, and how often it can be still.
    uses       int unsigned not null,
    uses_left  int unsigned not null,
    created_at datetime(6)  not null,
    created_by varchar(255) not null,
    -- When it was revoked; null: it is in force.
    revoked_at datetime(6)  null,
    primary key (id),
    -- A join finds it by the code. Two codes of a sale never have one hash.
    unique key access_codes_hash (sale_id, code_hash),
    -- A page of a sale's codes, newest first.
    key access_codes_sale (sale_id, id)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';
