-- One row, the lock of the order of revocations.
create table if not exists revocation_gate (
    id                   tinyint         not null,
    -- The number of the newest revocation. The lock is held until commit, so a reader that has seen n has seen every
    -- revocation up to n.
    seq                  bigint unsigned not null,
    -- The longest life of an access token that any server gives: how long a revocation matters.
    longest_life_seconds int unsigned    not null default 0,
    primary key (id),
    constraint revocation_gate_single_row check (id = 1)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';

insert ignore into revocation_gate (id, seq) values (1, 0);

-- Access tokens that count no more though their own time is not over. Every server reads what is new once a second, so
-- that no call with a token needs a query.
create table if not exists revocations (
    seq           bigint unsigned not null,
    user_id       binary(16)      not null,
    -- The session that ended, by its `jti`; null: all tokens of the user that were signed under an earlier generation.
    session_id    binary(16)      null,
    generation    int unsigned    not null,
    -- From then on all tokens that it concerns are over by themselves, and the sweep deletes it.
    matters_until datetime(6)     not null,
    -- What is new, in order.
    primary key (seq),
    -- What matters no more.
    key revocations_matters_until (matters_until)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';
