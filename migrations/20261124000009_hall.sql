-- Halls as people know them: seats are in sections and rows.
--
-- section:  what its part of the hall is called ("Front"); null: the hall has no sections.
-- seat_row: what its row is called within the section ("12"); null: the section has no rows, or is one row.
-- Neighbours in a row have consecutive numbers: two seats are beside each other if section and seat_row are the same
-- and the numbers differ by one. Seats from before there were sections have neither, and stay as they are.
-- New columns at the end that may be null: no row is rewritten, however large the table.
set @ddl = if((select count(*) from information_schema.columns
    where table_schema = database() and table_name = 'seats' and column_name = 'seat_row') = 0,
    'alter table seats add column section varchar(32) character set utf8mb4 collate utf8mb4_bin null, add column seat_row varchar(16) character set utf8mb4 collate utf8mb4_bin null',
    'do 0');
prepare statement from @ddl;
execute statement;
deallocate prepare statement;
