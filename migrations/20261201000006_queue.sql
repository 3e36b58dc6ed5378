-- One row per visit to the queue.
create table if not exists tokens (
    id              binary(16)      not null,
    user_id         binary(16)      not null,
    -- The sale whose queue it is a visit to.
    sale_id         binary(16)      not null default x'00000000000070008000000000000001',
    -- The order of arrival within the sale: dense and increasing, given out under the lock of queue_gate. A position is
    -- the rank of a ticket among the WAITING, so nothing ever rewrites positions.
    ticket          bigint unsigned not null,
    -- WAITING -> ACTIVE -> EXPIRED, or WAITING -> EXPIRED.
    status          varchar(16)     character set ascii collate ascii_bin not null,
    created_at      datetime(6)     not null,
    -- When the token became ACTIVE, if it ever did.
    admitted_at     datetime(6)     null,
    -- When the user claimed the turn, by the first poll or act after that. Null while ACTIVE: nobody has claimed the
    -- turn yet, expires_at is the end of the claim window, and a token that ends so has the ended_reason NO_SHOW.
    claimed_at      datetime(6)     null,
    -- ACTIVE: the end of the turn. WAITING: the end of the longest wait that is allowed.
    expires_at      datetime(6)     not null,
    -- Why the token ended: LAPSED, NO_SHOW, LEFT or OPERATOR.
    ended_reason    varchar(16)     character set ascii collate ascii_bin null,
    last_updated_at datetime(6)     not null,
    -- The gate's change_seq in the transaction that last moved `status`. The gate's lock is held until commit, so a
    -- reader that has seen n has seen every change up to n: snapshots of the queue need no overlap.
    change_seq      bigint unsigned not null,
    -- 1 while the token is in the queue, else null: one live token per user and sale.
    live            tinyint         generated always as (case when status in ('WAITING', 'ACTIVE') then 1 end) stored,
    primary key (id),
    -- Also the order in which the chain of a draw is computed anew.
    unique key tokens_ticket (sale_id, ticket),
    -- All turns of a user are neighbours here: whoever holds or pays locks them, one as a rule.
    unique key tokens_user_live (user_id, live, sale_id),
    -- The next to be let in, and how many are ahead.
    key tokens_status_ticket (sale_id, status, ticket),
    -- The turns and waits that have ended.
    key tokens_status_expires (sale_id, status, expires_at, ticket),
    -- What has changed since a snapshot.
    key tokens_change_seq (sale_id, change_seq)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';

-- One row for each sale, the lock of its queue's order: every transaction that changes a token's status has it locked. So
-- has every change of the sale's row, and raises change_seq: whoever knows a gate as of a change_seq knows the sale.
create table if not exists queue_gate (
    sale_id           binary(16)      not null,
    -- The ticket of the next user who joins.
    next_ticket       bigint unsigned not null,
    -- How many transactions have changed the queue.
    change_seq        bigint unsigned not null,
    -- How many tokens are ACTIVE and WAITING now; `audit` proves both.
    active            int unsigned    not null,
    waiting           bigint unsigned not null,
    -- How many tokens were ever moved from WAITING to ACTIVE: its growth is the admission rate.
    admitted          bigint unsigned not null,
    -- How many tokens ever left the queue or outlasted it while WAITING.
    departed          bigint unsigned not null default 0,
    -- How many turns were never claimed.
    no_shows          bigint unsigned not null default 0,
    -- The cap on ACTIVE tokens, for all processes together.
    max_active        int unsigned    not null,
    -- The most tokens that may be ACTIVE now: the cap or, after it was lowered, those who were in then, less those who
    -- have ended since. `audit` compares with it; it needs no clock.
    most_active       int unsigned    not null,
    -- 1: nobody is let in.
    paused            tinyint         not null default 0,
    -- The most tokens that are let in within any 60 seconds; null: no such limit.
    per_minute        int unsigned    null,
    -- When a process last began each periodic pass, over all sales: in the default sale's row alone.
    last_rerank_at    datetime(6)     null,
    last_sweep_at     datetime(6)     null,
    -- The draw, where the sale's order is one. Its secret and the hash of it, which is published when the doors open.
    draw_secret       binary(32)      null,
    draw_commitment   binary(32)      null,
    -- Over the ids of all tokens that joined before the opening, in the order of tickets.
    draw_chain        binary(32)      null,
    -- What was drawn in public after the doors had opened; null: nothing.
    draw_public_value varchar(255)    null,
    -- How many tickets were given out at the opening: those are in the draw, later ones come behind. Null: not drawn yet.
    draw_count        bigint unsigned null,
    -- How many codes were ever redeemed by joining, which is the number of the newest redemption. 0: nobody asks who has a
    -- place in front.
    redeemed          bigint unsigned not null default 0,
    primary key (sale_id)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';

-- Of the default sale. The cap is 10 until somebody sets another.
insert ignore into queue_gate (sale_id, next_ticket, change_seq, active, waiting, admitted, max_active, most_active)
values (x'00000000000070008000000000000001', 1, 0, 0, 0, 0, 10, 10);

-- The codes that were redeemed: one row for each token that joined with one, or redeemed one while it waited.
create table if not exists code_redemptions (
    token_id    binary(16)       not null,
    code_id     binary(16)       not null,
    sale_id     binary(16)       not null,
    -- The token's, copied.
    ticket      bigint unsigned  not null,
    -- Their order within the sale.
    nth         bigint unsigned  not null,
    -- While the token waits: 0, before all others, and let in before the opening (PRESALE); 1, before all without a code
    -- (FRONT). Null: it waits no longer, or its PRESALE code came after the opening.
    priority    tinyint unsigned null,
    -- The gate's change_seq in the transaction that redeemed it.
    change_seq  bigint unsigned  not null,
    redeemed_at datetime(6)      not null,
    primary key (token_id),
    -- Who comes first.
    key code_redemptions_front (sale_id, priority, nth),
    -- What has been redeemed since a snapshot.
    key code_redemptions_change (sale_id, change_seq),
    -- For the audit: how often each code was redeemed.
    key code_redemptions_code (code_id)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';

-- How many tokens were let in, and when. Written while queue_gate.per_minute is set; rows that are known to be older
-- than a minute are deleted.
create table if not exists queue_admissions (
    sale_id     binary(16)      not null default x'00000000000070008000000000000001',
    -- The gate's change_seq of the transaction: their order, which clocks that differ cannot disturb.
    change_seq  bigint unsigned not null,
    -- By the clock of the process that let them in.
    admitted_at datetime(6)     not null,
    admitted    int unsigned    not null,
    primary key (sale_id, change_seq)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';

-- Which WAITING tickets of a sale each process has seen lately: one row per sale and process, written every few seconds
-- while somebody waits. Advice about who is let in first; no rule about how many depends on it.
create table if not exists queue_seen (
    sale_id      binary(16)      not null default x'00000000000070008000000000000001',
    process      binary(16)      not null,
    seen_at      datetime(6)     not null,
    -- When the process began to look, and the first ticket that joined after that.
    since        datetime(6)     not null,
    watched_from bigint unsigned not null,
    -- The ticket that was next when the row was written.
    known_to     bigint unsigned not null,
    -- 1: some of the tickets polled or are followed; 0: they have only joined.
    polled       tinyint         not null,
    -- A roaring bitmap, in its portable format.
    tickets      mediumblob      not null,
    primary key (sale_id, process),
    -- What was not written lately.
    key queue_seen_at (seen_at)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';

-- The gate's counters every few seconds over the last minutes: how fast the queue moves, the same for every process.
create table if not exists queue_pace (
    sale_id    binary(16)      not null default x'00000000000070008000000000000001',
    sampled_at datetime(6)     not null,
    admitted   bigint unsigned not null,
    departed   bigint unsigned not null,
    waiting    bigint unsigned not null,
    -- 1: the queue was paused since the sample before, so the time between the two is not measured.
    resumed    tinyint         not null,
    primary key (sale_id, sampled_at)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';

-- For people with an SQL client; no program reads it. The places of a draw are computed from its key, so that a position
-- in a sale with one is null here; `concert-cli queue verify-draw` writes the places.
create or replace view queue_positions as
select t.sale_id, case when g.draw_secret is null then row_number() over (partition by t.sale_id order by t.ticket) end
    as queue_position, t.ticket, t.id as token_id, t.user_id, t.created_at
from tokens t join queue_gate g on g.sale_id = t.sale_id
where t.status = 'WAITING';
