-- What never changes of a hall, in short: for whoever need not look at its seats one by one.
--
-- Seats with consecutive numbers that are in the same row of the same section at the same price.
create table if not exists seat_runs (
    concert_id binary(16)     not null,
    first_seat int            not null,
    last_seat  int            not null,
    price      decimal(10, 2) not null,
    section    varchar(32)    character set utf8mb4 collate utf8mb4_bin null,
    seat_row   varchar(16)    character set utf8mb4 collate utf8mb4_bin null,
    primary key (concert_id, first_seat)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci;

-- Those of the halls there are. A number less its rank among its like is the same throughout a run.
insert ignore into seat_runs (concert_id, first_seat, last_seat, price, section, seat_row)
select concert_id, min(seat_number), max(seat_number), price, section, seat_row
from (select concert_id, seat_number, price, section, seat_row, cast(seat_number as signed) - cast(row_number() over (
        partition by concert_id, price, section, seat_row order by seat_number) as signed) as run from seats) s
group by concert_id, price, section, seat_row, run;
