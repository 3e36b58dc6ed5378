//! Nobody in: what a stranger must not get, point by point.

mod a10_the_rest;
mod a1_key_is_no_credential;
mod a2_keys_are_somebodys;
mod a3_one_key_one_request;
mod a4_bare_joins;
mod a5_money;
mod a6_sessions_end;
mod a7_operators;
mod a7_rest;
mod a8_names;
mod a9_brakes;
mod credentials;
