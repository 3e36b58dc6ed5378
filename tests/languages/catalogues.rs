//! Texts in two languages: what the build accepts, and what it makes of them.

#[path = "../../concert-core/build/catalogue.rs"]
mod catalogue;
#[path = "../../concert-core/build/methods.rs"]
mod methods;

use std::path::Path;

use self::catalogue::{faults, read};
use self::methods::{module, said, script_texts};

#[test]
fn a_text_that_a_language_lacks_fails_the_build() {
    assert_eq!(faults("a = A\nb = B\n", "a = 가\n"), ["ko.ftl has no text b"]);
    assert_eq!(faults("a = A\n", "a = 가\nb = 나\n"), ["en.ftl has no text b"]);
    assert_eq!(faults("", "a =\n").len(), 1);
    assert_eq!(faults("a = A\n", "a = 가\na = 나\n"), ["ko.ftl: a is there twice"]);
    assert_eq!(faults("a = { $name }, { $count } seats\n", "a = { $name } 님, { $count }석\n"), [""; 0]);
}

#[test]
fn a_text_with_other_variables_fails_the_build_also_where_they_come_from_a_text_that_it_repeats() {
    let korean = "a = { $name } 님\n";
    assert_eq!(faults("a = Hello\n", korean), [r#"the variables of a are {} in en.ftl and {"name"} in ko.ftl"#]);
    let english = "b = Hello { $name }\na = { b }!\n";
    assert_eq!(faults(english, &format!("{korean}b = 안녕하세요, {{ $name }} 님\n")), [""; 0]);
    assert_eq!(faults("a = { b }\n", "a = 가\n"), ["en.ftl: a repeats b, which is not there"]);
    let plural = "a = { $count ->\n    [one] a seat of { $name }\n   *[other] { $count } seats\n }\n";
    assert_eq!(faults(plural, "a = { $count }석\n").len(), 1);
    let chosen = "a = { $count ->\n    [one] It is\n   *[other] They are\n } gone\n";
    assert_eq!(faults(chosen, "a = 없습니다\n"), [""; 0], "a plural that the other language does not need");
    assert_eq!(faults("a = gone\n", chosen).len(), 1);
}

#[test]
fn what_methods_and_scripts_cannot_use_fails_the_build() {
    assert_eq!(faults("type = A\n", "type = 가\n").len(), 2);
    assert_eq!(faults("Seats = A\n", "Seats = 가\n").len(), 2);
    assert_eq!(faults("a = A\n    .title = T\n", "a = 가\n"), ["en.ftl: a has attributes: give each an id of its own"]);
    assert_eq!(faults("a = { NUMBER($n) }\n", "a = { $n }\n").len(), 2);
    assert_eq!(faults("script-a = { $n }{\" \"}left\n", "script-a = { $n } 남음\n"), [""; 0]);
    let plural = "script-a = { $n ->\n    [one] a\n   *[other] b\n }\n";
    assert_eq!(faults(plural, "script-a = { $n }\n").len(), 1);
}

#[test]
fn a_file_that_is_not_well_formed_fails_the_build_by_its_line() {
    let faults = faults("a = A\nb = { $\n", "a = 가\n");
    assert!(faults[0].starts_with("en.ftl, line 2:"), "{faults:?}");
}

#[test]
fn each_text_becomes_a_method_that_takes_its_variables_and_those_of_scripts_become_json() {
    let (texts, _) = read("en", "seat-taken = Seat { $seat } of { $hall }\nscript-left = { $n } \"left\" <b>\n");
    let module = module(&texts, [Path::new("/en.ftl"), Path::new("/ko.ftl")], "concert_core::texts");
    let method = "pub(crate) fn seat_taken(self, hall: impl Into<Value>, seat: impl Into<Value>) -> String {";
    assert!(module.contains(method) && module.contains("#[doc = \"Seat {seat} of {hall}\"]"), "{module}");
    assert!(!module.contains("left"), "{module}");
    let (korean, _) = read("ko", "said-full = { $n }석이 찼습니다\n");
    let (english, _) = read("en", "said-full = { $n } seats are full\n");
    assert!(said([&english, &korean]).contains(r#"[("{n} seats are full", "{n}석이 찼습니다")]"#));
    let scripts = script_texts([&texts, &texts]);
    let object = r#"{"left":"{n} \"left\" \u003cb>"}"#;
    assert!(scripts.contains(&format!("{object:?}")), "{scripts}");
}
