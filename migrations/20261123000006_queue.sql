-- One row per visit to the queue. status: WAITING -> ACTIVE -> EXPIRED, or WAITING -> EXPIRED.
create table if not exists tokens (
    id              binary(16)      not null,
    user_id         binary(16)      not null,
    -- The order of arrival: dense and increasing, given out under the lock of queue_gate. A position is the rank of a
    -- ticket among the WAITING, so nothing ever rewrites positions.
    ticket          bigint unsigned not null,
    status          varchar(16)     character set ascii collate ascii_bin not null,
    created_at      datetime(6)     not null,
    -- When the token became ACTIVE, if it ever did.
    admitted_at     datetime(6)     null,
    -- ACTIVE: the end of the turn. WAITING: the end of the longest wait that is allowed.
    expires_at      datetime(6)     not null,
    last_updated_at datetime(6)     not null,
    -- Why the token ended: LAPSED, LEFT or OPERATOR.
    ended_reason    varchar(16)     character set ascii collate ascii_bin null,
    -- The gate's change_seq in the transaction that last moved `status`. The gate's lock is held until commit, so a
    -- reader that has seen n has seen every change up to n: snapshots of the queue need no overlap.
    change_seq      bigint unsigned not null,
    -- 1 while the token is in the queue, else null: one live token per user.
    live            tinyint         generated always as (case when status in ('WAITING', 'ACTIVE') then 1 end) stored,
    primary key (id),
    unique key tokens_ticket (ticket),
    unique key tokens_user_live (user_id, live),
    key tokens_status_ticket (status, ticket),
    key tokens_status_expires (status, expires_at, ticket),
    key tokens_change_seq (change_seq)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci;

-- The one row that everything about the queue's order goes through: whoever moves a token's status has it locked.
create table if not exists queue_gate (
    id                tinyint         not null,
    next_ticket       bigint unsigned not null,
    change_seq        bigint unsigned not null,
    -- How many tokens are ACTIVE and WAITING now; `audit` proves both.
    active            int unsigned    not null,
    waiting           bigint unsigned not null,
    -- How many tokens were ever moved from WAITING to ACTIVE: its growth is the admission rate.
    admitted          bigint unsigned not null,
    -- The cap on ACTIVE tokens, for all processes together, and since when it has this value.
    max_active        int unsigned    not null,
    max_active_set_at datetime(6)     not null,
    -- When a process last took its turn at each periodic pass.
    last_rerank_at    datetime(6)     null,
    last_sweep_at     datetime(6)     null,
    primary key (id),
    constraint queue_gate_single_row check (id = 1)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci;

insert ignore into queue_gate (id, next_ticket, change_seq, active, waiting, admitted, max_active, max_active_set_at)
values (1, 1, 0, 0, 0, 0, 10, '2000-01-01 00:00:00');

-- For people with an SQL client; no program reads it.
create or replace view queue_positions as
select row_number() over (order by ticket) as queue_position, ticket, id as token_id, user_id, created_at
from tokens
where status = 'WAITING';
