-- The keys that tickets are signed with (Ed25519). All servers sign with the newest one that is not retired.
create table if not exists ticket_keys (
    id          binary(16)   not null,
    -- The order in which they were made, from 1: the newest does not depend on any clock.
    number      int unsigned not null,
    public_key  binary(32)   not null,
    -- The seed of the private key (RFC 8032). Every server and the command line sign with it, so it is here; it is in no
    -- answer, no export and no log. See docs/src/security.md.
    private_key binary(32)   not null,
    created_at  datetime(6)  not null,
    created_by  varchar(255) not null,
    -- From when on no ticket that was signed with it counts, and by whom it was retired; null: it is in force.
    retired_at  datetime(6)  null,
    retired_by  varchar(255) null,
    primary key (id),
    -- Two servers that make the first key at the same time: one does. Also what the newest is found by.
    unique key ticket_keys_number (number)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';

-- Who is in: one row for each ticket that was checked in, and it stays whatever becomes of the ticket.
create table if not exists check_ins (
    -- The ticket, which has the id of its reservation. The schema itself forbids letting it in twice.
    ticket_id     binary(16)   not null,
    concert_id    binary(16)   not null,
    -- The version that was shown.
    version       int unsigned not null,
    -- The gate, by the name that it goes by.
    gate          varchar(64)  character set utf8mb4 collate utf8mb4_bin not null,
    -- When the gate let it in, by the gate's clock if it was without the network, and when that was recorded.
    checked_in_at datetime(6)  not null,
    recorded_at   datetime(6)  not null,
    -- The operator's name, and the operator key that was shown; null: none.
    checked_in_by varchar(255) not null,
    key_id        binary(16)   null,
    -- The entry of the operators' log. A repeated check-in finds itself by it.
    entry_id      binary(16)   not null,
    primary key (ticket_id),
    -- A page of a concert's, newest first; and how many there are.
    key check_ins_concert (concert_id, recorded_at, ticket_id)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';

-- Tickets that count no more, for gates that go on without the network: a row for each refund and each move, written in
-- its transaction. Payments write nothing here.
create table if not exists void_tickets (
    concert_id binary(16)   not null,
    voided_at  datetime(6)  not null,
    ticket_id  binary(16)   not null,
    -- The newest version that is void: it and all before it.
    version    int unsigned not null,
    -- REFUNDED or MOVED.
    reason     varchar(16)  character set ascii collate ascii_bin not null,
    -- What is new since a moment, in order.
    primary key (concert_id, voided_at, ticket_id, version)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office';
