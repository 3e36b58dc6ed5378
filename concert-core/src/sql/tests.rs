use uuid::Uuid;

use super::script::Script;
use super::*;

statements! {
    KEYS { "select a from t where b > {least} and c in ({keys})" }
    PAIRS { "select a from t where {each}", each Part { text: "(b = {hall} and c in ({seats}))", between: " or " } }
    UPDATE { "update t set a = {value} where {guard}b in ({keys})" }
    LOCK { "select count(*){counts} into @locked from t for update" }
    ONE_ROW { "update t set a = {value} where {required}b = 1" }
    COUNT { "select count(*) from u where d in ({keys})" }
    ROWS { insert "t" (a, b) }
    WIDE { insert "w" (id, same, maybe) }
}

fn text(script: Script) -> String {
    script.into_text()
}

#[test]
fn keys_are_listed_in_order_once_and_not_too_many_at_a_time() {
    let mut script = Script::default();
    script.select_keys(&KEYS, vec![3_u32, 1, 2, 3, 1], |params, keys| params.bind("least", 7).list("keys", keys));
    script.select_keys(&KEYS, Vec::<u32>::new(), |params, keys| params.bind("least", 7).list("keys", keys));
    assert_eq!(text(script), "select a from t where b > 7 and c in (1,2,3)", "nothing to look for, nothing to ask");
    let mut script = Script::default();
    script.select_keys(&KEYS, (0..1_100_u32).collect(), |params, keys| params.bind("least", 7).list("keys", keys));
    assert_eq!(text(script).split(';').count(), 3);
}

#[test]
fn pairs_are_grouped_by_their_first_part() {
    let mut script = Script::default();
    script.select(&PAIRS, |params| params.each_group(&[(1, 9), (2, 3), (2, 5)], ["hall", "seats"]));
    assert_eq!(text(script), "select a from t where (b = 1 and c in (9)) or (b = 2 and c in (3,5))");
}

#[test]
fn every_change_is_guarded_by_the_statement_after_it() {
    let mut script = Script::default();
    for keys in [vec![6_u32, 5], vec![7]] {
        script.change_keys("changing", 2, &UPDATE, keys, |params, keys| params.bind("value", 1).list("keys", keys));
    }
    script.insert(&ROWS, &[(1, 2), (3, 4)], |row, (a, b)| row.bind("a", a).bind("b", b));
    let statements = [
        "update t set a = 1 where b in (5,6)",
        "update t set a = 1 where exp(if(row_count() = 4, 0, 1000)) and b in (7)",
        "insert into t (a, b) values (if(exp(if(row_count() = 2, 0, 1000)),1,null),2),(3,4)",
    ];
    assert_eq!(text(script), statements.join(";"));
}

#[test]
fn a_guard_that_no_change_takes_is_a_statement_of_its_own() {
    let mut script = Script::default();
    script.change("changing", Some(1), &UPDATE, |params| params.bind("value", 1).list("keys", [3]));
    script.select(&COUNT, |params| params.list("keys", [4]));
    let statements = [
        "update t set a = 1 where b in (3)",
        "set @guarded = exp(if(row_count() = 1, 0, 1000))",
        "select count(*) from u where d in (4)",
    ];
    assert_eq!(text(script), statements.join(";"));
}

#[test]
fn a_required_count_goes_where_it_is_evaluated_once() {
    let require =
        |script: &mut Script| script.require_count("counting", 2, &COUNT, |params| params.list("keys", [1, 2]));
    let many_rows = |script: &mut Script| {
        script.change("changing", Some(1), &UPDATE, |params| params.bind("value", 1).list("keys", [3]));
    };
    let counted = "exp(if((select count(*) from u where d in (1,2)) = 2, 0, 1000))";

    let mut script = Script::default();
    require(&mut script);
    script.change("changing", Some(1), &ONE_ROW, |params| params.bind("value", 1));
    assert!(text(script).starts_with(&format!("update t set a = 1 where {counted} and b = 1;")));

    let mut script = Script::default();
    require(&mut script);
    script.lock_exactly("locking", 3, &LOCK, |params| params);
    many_rows(&mut script);
    let locked = "select count(*) + (select count(*) from u where d in (1,2)) into @locked from t for update";
    let changed = "update t set a = 1 where exp(if(@locked = 5, 0, 1000)) and b in (3)";
    assert!(text(script).starts_with(&format!("{locked};{changed};")), "three locked, two required");

    let mut script = Script::default();
    require(&mut script);
    many_rows(&mut script);
    let guards = format!("exp(if(row_count() = 1, 0, 1000)) and {counted}");
    assert_eq!(text(script), format!("update t set a = 1 where b in (3);set @guarded = {guards}"));
}

#[test]
#[should_panic(expected = "a value for another place of the statement")]
fn a_value_cannot_go_where_another_belongs() {
    Script::default().select(&KEYS, |params| params.list("keys", [1]).bind("least", 7));
}

#[test]
#[should_panic(expected = "a place of the statement has no value")]
fn a_place_cannot_stay_empty() {
    Script::default().select(&KEYS, |params| params.bind("least", 7));
}

#[test]
#[should_panic(expected = "a value for another column")]
fn a_row_is_bound_in_the_order_of_its_columns() {
    Script::default().insert(&ROWS, &[1], |row, value| row.bind("b", value).bind("a", value));
}

#[test]
fn many_rows_go_out_by_column() {
    let text_of = |rows: u128| {
        let mut script = Script::default();
        script.insert(&WIDE, &(1..=rows).map(Uuid::from_u128).collect::<Vec<_>>(), |row, id| {
            row.bind("id", id).bind("same", 7).bind("maybe", (id.as_u128() % 2 == 1).then_some(id))
        });
        text(script).replace("000000000000000000000000000000", "")
    };
    assert!(text_of(47).starts_with("insert into w (id, same, maybe) values (x'01',7,x'01'),(x'02',7,null),("));
    let by_column = text_of(48);
    let from = "insert into w (id, same, maybe) select substr(x'0102030405";
    assert!(by_column.starts_with(from), "{by_column}");
    let pieces = "2f30', 16 * r.nth - 15, 16),7,elt(r.nth,x'01',null,x'03',null,";
    assert!(by_column.contains(pieces), "{by_column}");
    let numbers = format!(" from json_table('[{}]', '$[*]' columns (nth for ordinality)) r", vec!["0"; 48].join(","));
    assert!(by_column.ends_with(&numbers), "{by_column}");

    let mut script = Script::default();
    script.change_keys("changing", 1, &UPDATE, vec![5], |params, keys| params.bind("value", 1).list("keys", keys));
    script.insert(&ROWS, &[1; 48], |row, value| row.bind("a", value).bind("b", value));
    let guarded = text(script);
    assert!(guarded.ends_with(" r where exp(if(row_count() = 1, 0, 1000))"), "{guarded}");
}

#[test]
fn texts_for_the_test_of_all_statements_have_lists_of_any_length() {
    let texts: Vec<_> = STATEMENTS.iter().map(|statement| statement.text(2)).collect();
    let expected = [
        "select a from t where b > {least} and c in ({keys},{keys})",
        "select a from t where (b = {hall} and c in ({seats})) or (b = {hall} and c in ({seats}))",
        "update t set a = {value} where b in ({keys},{keys})",
        "select count(*) into @locked from t for update",
        "update t set a = {value} where b = 1",
        "select count(*) from u where d in ({keys},{keys})",
        "insert into t (a, b) values ({a},{b}),({a},{b})",
        "insert into w (id, same, maybe) values ({id},{same},{maybe}),({id},{same},{maybe})",
    ];
    assert_eq!(texts, expected);
}
