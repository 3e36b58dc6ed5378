-- What operators do: one row per act, append-only, written in the transaction of the act itself.
create table if not exists operator_log (
    -- Version 7 of UUID: the acts of one process and one moment are in the order of their ids.
    id         binary(16)   not null,
    logged_at  datetime(6)  not null,
    -- Who: the name that the operator acts under.
    operator   varchar(255) not null,
    -- The operator key that was shown; null: none, as from the command line or an application.
    key_id     binary(16)   null,
    -- What was done: QUEUE_PAUSE, REFUND, ..
    act        varchar(32)  character set ascii collate ascii_bin not null,
    -- What kind of thing it was done to (user, payment, ..), and its id where it has one.
    subject    varchar(16)  character set ascii collate ascii_bin not null,
    subject_id binary(16)   null,
    -- JSON objects: what the act changed, before and after.
    was        text         character set utf8mb4 collate utf8mb4_bin null,
    becomes    text         character set utf8mb4 collate utf8mb4_bin null,
    -- The id of the request, as in its X-Request-Id header and in the server's log.
    request_id varchar(128) character set ascii collate ascii_bin null,
    primary key (id),
    -- A page of the log, newest first.
    key operator_log_logged_at (logged_at, id),
    -- What was done to one thing, newest first.
    key operator_log_subject (subject, subject_id, logged_at, id)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';

-- The keys that operators show over REST.
create table if not exists operator_keys (
    id         binary(16)   not null,
    -- Whose it is: the name that its acts are logged under.
    name       varchar(255) not null,
    -- viewer, gate or operator.
    role       varchar(16)  character set ascii collate ascii_bin not null,
    -- SHA-256 of the key. The key itself is nowhere.
    key_hash   binary(32)   not null,
    created_at datetime(6)  not null,
    created_by varchar(255) not null,
    -- When and by whom it was revoked; null: it is in force.
    revoked_at datetime(6)  null,
    revoked_by varchar(255) null,
    primary key (id),
    -- Two keys never have one hash. Servers read all keys that are in force, once a second at most.
    unique key operator_keys_hash (key_hash)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';
