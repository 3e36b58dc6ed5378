use chrono::DateTime;

use super::*;
use crate::operator::Operator;

const LIFE: Duration = Duration::from_secs(3_600);

fn noon() -> Timestamp {
    DateTime::from_timestamp(1_803_902_400, 0).expect("in range")
}

fn account(name: &str) -> Account {
    let name: Username = name.parse().expect("a name");
    let user = User::new(UserId::generate(), &name, noon(), true);
    Account { user, key: name.key().to_owned(), password: "phc".to_owned() }
}

fn rows(accounts: &[&Account], holders: &[&Account]) -> Rows {
    Rows {
        seq: 7,
        longest_life: LIFE * 2,
        accounts: accounts.iter().map(|account| (account.user.id, (*account).clone())).collect(),
        holders: holders.iter().map(|account| (account.key.clone(), account.user.id)).collect(),
    }
}

fn by_operator(account: &Account, change: Change) -> ChangeAccount {
    ChangeAccount { user: account.user.id, change, by: Some(Operator::application().sign()) }
}

fn run(rows: Rows, commands: &[ChangeAccount], may_have_committed: bool) -> (Vec<Result<Changed, Error>>, Effects) {
    let attempt = Attempt { now: noon(), may_have_committed };
    decide(rows, &commands.iter().collect::<Vec<_>>(), &attempt, LIFE)
}

#[test]
fn what_ends_sessions_raises_the_generation_and_is_revoked_as_long_as_any_token_lives() {
    let ann = account("Ann");
    let password = |password: &str| Change::SetPassword { password: password.to_owned(), replaces: None };
    let commands = [Change::EndSessions, password("new"), Change::Disable, Change::Forget];
    let commands = commands.map(|change| by_operator(&ann, change));
    let (answers, effects) = run(rows(&[&ann], &[]), &commands, false);
    let generations: Vec<_> =
        answers.into_iter().map(|answer| answer.expect("is changed").user.session_generation).collect();
    assert_eq!(generations, [1, 2, 3, 4]);
    let revoked: Vec<_> = effects.revocations.iter().map(|r| (r.seq, r.generation, r.matters_until)).collect();
    let until = noon() + span(LIFE * 2);
    assert_eq!(revoked, [(8, 1, until), (9, 2, until), (10, 3, until), (11, 4, until)]);
    let [before, after] = &effects.accounts[&ann.user.id];
    assert_eq!(before, &ann, "the guard names the row as it was");
    assert_eq!((after.password.as_str(), after.user.has_password), (NO_PASSWORD, false));
    assert_eq!(effects.log.len(), 4);
}

#[test]
fn one_session_ends_by_itself_and_changes_no_account() {
    let ann = account("Ann");
    let (session, until) = (SessionId::generate(), noon() + span(LIFE));
    let command = ChangeAccount { user: ann.user.id, change: Change::EndSession { session, until }, by: None };
    let (answers, effects) = run(rows(&[&ann], &[]), &[command], false);
    assert!(answers[0].is_ok() && effects.accounts.is_empty() && effects.log.is_empty());
    let revocation =
        Revocation { seq: 8, user: ann.user.id, session: Some(session), generation: 0, matters_until: until };
    assert_eq!(effects.revocations, [revocation]);
}

#[test]
fn a_forgotten_user_has_a_name_that_says_nothing_and_that_nobody_can_take() {
    let ann = account("Ann");
    let (answers, effects) = run(rows(&[&ann], &[]), &[by_operator(&ann, Change::Forget)], false);
    let gone = answers[0].as_ref().expect("is forgotten").user.clone();
    let [_, row] = effects.accounts[&ann.user.id].clone();
    assert_eq!(
        (gone.username.as_str(), gone.disabled_at, gone.forgotten_at),
        (row.key.as_str(), Some(noon()), Some(noon()))
    );
    assert_ne!(gone.username.parse::<Username>().expect("a name").key(), row.key, "no name has this key");

    let gone = Account { user: gone, ..row };
    let refused = [Change::Enable, Change::Rename("Ann".parse().expect("a name"))];
    let refused = refused.map(|change| by_operator(&gone, change));
    let (answers, effects) = run(rows(&[&gone], &[]), &refused, false);
    assert!(answers.iter().all(|answer| matches!(answer, Err(Error::UserNotFound))) && effects.accounts.is_empty());
    let again = [Change::Forget, Change::Disable].map(|change| by_operator(&gone, change));
    let (answers, effects) = run(rows(&[&gone], &[]), &again, false);
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Changed { changed: false, .. }))));
    assert!(effects.log.is_empty() && effects.revocations.is_empty());
}

#[test]
fn names_change_hands_within_a_batch_and_are_nobody_elses() {
    let (ann, bob) = (account("Ann"), account("Bob"));
    let rename = |who: &Account, name: &str| by_operator(who, Change::Rename(name.parse().expect("a name")));
    let commands =
        [rename(&bob, "ANN"), rename(&ann, "Carol"), rename(&bob, "ann"), rename(&ann, "Bob"), rename(&bob, "Ann")];
    let (answers, effects) = run(rows(&[&ann, &bob], &[&ann, &bob]), &commands, false);
    let names: Vec<_> = answers
        .iter()
        .map(|answer| answer.as_ref().map(|done| done.user.username.as_str()).map_err(Error::code))
        .collect();
    assert_eq!(
        names,
        [Err("USERNAME_TAKEN"), Ok("Carol"), Ok("ann"), Ok("Bob"), Ok("Ann")],
        "its own name in another case is free"
    );
    assert!(effects.revocations.is_empty(), "sessions go on");
    assert_eq!(effects.accounts[&bob.user.id][1].key, "ann");
}

#[test]
fn a_password_is_changed_only_from_the_one_that_was_proved() {
    let ann = account("Ann");
    let change = |password: &str, replaces: &str| ChangeAccount {
        user: ann.user.id,
        change: Change::SetPassword { password: password.to_owned(), replaces: Some(replaces.to_owned()) },
        by: None,
    };
    let commands = [change("one", "phc"), change("two", "phc")];
    let (answers, effects) = run(rows(&[&ann], &[]), &commands, false);
    assert!(answers[0].is_ok() && matches!(answers[1], Err(Error::BadCredentials)), "the second proved the old one");
    assert_eq!(effects.accounts[&ann.user.id][1].password, "one");
    // An earlier attempt whose outcome was unknown has stored it.
    let after = Account { password: "one".to_owned(), ..ann.clone() };
    let (answers, effects) = run(rows(&[&after], &[]), &[change("one", "phc")], true);
    assert!(answers[0].is_ok() && effects.accounts.is_empty());
}
