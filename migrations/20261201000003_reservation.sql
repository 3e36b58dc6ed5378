-- One row per hold ever made.
create table if not exists reservations (
    id               binary(16)     not null,
    user_id          binary(16)     not null,
    concert_id       binary(16)     not null,
    seat_number      int            not null,
    -- The concert's sale, copied: whose turn a payment needs, and what counts for the sale's limit.
    sale_id          binary(16)     not null default x'00000000000070008000000000000001',
    -- 1: an operator held it for a user without a turn. Then paying it and moving its deadline need none either, and
    -- leaving the queue does not give it back.
    bypassed_queue   tinyint(1)     not null default 0,
    -- HELD -> CONFIRMED (paid), EXPIRED (deadline passed) or CANCELLED (given back); CONFIRMED -> REFUNDED.
    status           varchar(16)    character set ascii collate ascii_bin not null,
    -- The price at the time of the hold: the amount that `pay` expects.
    price            decimal(10, 2) not null,
    -- The concert's date at the time of the hold.
    performance_date date           not null,
    -- The order, which has the id of its first reservation. Null: the reservation is an order of its own, as most are.
    -- No index: an order is found among the reservations of its user.
    order_id         binary(16)     null,
    reserved_at      datetime(6)    not null,
    -- The deadline of the hold. Kept after payment, as a record.
    expires_at       datetime(6)    not null,
    -- When the deadline was moved, which is possible once.
    extended_at      datetime(6)    null,
    last_updated_at  datetime(6)    not null,
    -- Of a request with an idempotency key, a digest of all that it asked for, on its first reservation: the same key
    -- with another request is refused.
    fingerprint      binary(16)     null,
    -- The extension that moved the deadline, if its request had a key, on the reservation that the request named. It
    -- derives from the key, so a repeated request finds it, among the reservations of its user.
    extension_id     binary(16)     null,
    -- 1 while the reservation has its seat, else null, and nulls never collide: so a seat can expire any number of
    -- times, and the schema itself forbids selling it twice.
    live             tinyint        generated always as (case when status in ('HELD', 'CONFIRMED') then 1 end) stored,
    primary key (id),
    unique key reservations_seat_live (concert_id, seat_number, live),
    -- A user's holds and orders. Without the status in it, no payment and no expiry moves it.
    key reservations_user_deadline (user_id, expires_at),
    -- For the sweep: which holds have lapsed. It has every hold ever made, since no payment updates it; sweep_state
    -- records how far the sweep has come.
    key reservations_expires_at (expires_at)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';

-- The reservations that bypassed the queue, so that they can be counted without reading all others.
create table if not exists queue_bypasses (
    sale_id        binary(16)  not null,
    reservation_id binary(16)  not null,
    held_at        datetime(6) not null,
    primary key (sale_id, reservation_id)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';

-- Sold seats that an operator gave to another owner. The reservation names the owner; its payment the one who paid, who
-- also gets the money back where it is refunded.
create table if not exists ticket_moves (
    -- The ticket, which has the id of its reservation, and which of its moves this is, from 1.
    ticket_id binary(16)   not null,
    nth       int unsigned not null,
    from_user binary(16)   not null,
    to_user   binary(16)   not null,
    moved_at  datetime(6)  not null,
    moved_by  varchar(255) not null,
    reason    varchar(255) not null,
    -- The entry of the operators' log. A repeated move finds itself by it.
    entry_id  binary(16)   not null,
    primary key (ticket_id, nth),
    -- What a user has given away, for explanations, newest first.
    key ticket_moves_from_user (from_user, moved_at)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';

-- One row: how far the sweep has come.
create table if not exists sweep_state (
    id          tinyint     not null,
    -- The sweep has released all lapsed holds with a deadline before this.
    swept_until datetime(6) not null,
    primary key (id),
    constraint sweep_state_single_row check (id = 1)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';

insert ignore into sweep_state (id, swept_until) values (1, '1970-01-01 00:00:00');
