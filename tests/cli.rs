//! `concert-cli` as a shell sees it: every command, its output, its exit code; on a real MariaDB, one database per test.

#[expect(dead_code, reason = "shared with the suite, which uses the rest")]
mod support;

mod cli {
    mod accounts;
    mod afterwards;
    mod called_off;
    mod columns;
    mod desk;
    mod doctor;
    mod door;
    mod draw;
    mod export;
    mod korean;
    mod languages;

    mod operators;
    mod orders;
    mod people;
    mod sale;
    mod sales;
    mod seats;
    mod seed;
    mod settings_file;
    mod shell;
}
