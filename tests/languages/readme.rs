//! README.ko.md says what README.md says: the same headings, commands, settings and links.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What both languages write alike.
#[derive(Debug, Default)]
struct Facts {
    /// The levels of the headings, in their order.
    headings: Vec<usize>,
    /// The lines of the blocks of code, without comments, in their order.
    code: Vec<String>,
    /// What stands between backticks: commands, flags, variables, routes.
    spans: BTreeSet<String>,
    /// Where links lead, but for those within the page.
    links: BTreeSet<String>,
    /// How many rows each section's tables have.
    rows: Vec<usize>,
}

impl Facts {
    fn of(text: &str) -> Self {
        let mut facts = Self::default();
        let (mut prose, mut is_code) = (String::new(), false);
        for line in text.lines() {
            if line.starts_with("```") {
                is_code = !is_code;
                facts.code.push(line.to_owned());
            } else if is_code {
                facts.code.extend(without_comment(line));
            } else {
                facts.prose_line(line, &mut prose);
            }
        }
        facts.spans = prose
            .split('`')
            .skip(1)
            .step_by(2)
            .map(|span| span.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        let links = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        facts.links =
            links.filter(|link| !link.starts_with('#') && !link.starts_with("README")).map(str::to_owned).collect();
        facts
    }

    fn prose_line(&mut self, line: &str, prose: &mut String) {
        let level = line.bytes().take_while(|byte| *byte == b'#').count();
        if level > 0 {
            self.headings.push(level);
            self.rows.push(0);
        }
        if let (true, Some(rows)) = (line.starts_with('|'), self.rows.last_mut()) {
            *rows += 1;
        }
        prose.push_str(line);
        prose.push('\n');
    }
}

/// A line of code without the comment, which each language writes for itself. What a command answers stands behind `# {`
/// and is no comment. A line that is a comment alone is left out.
fn without_comment(line: &str) -> Option<String> {
    let is_answer = ["# {", "# [", "# data", "# event", "#  "].iter().any(|begin| line.starts_with(begin));
    let ends = [line.find(" // "), line.rfind(" # "), (line.starts_with("# ") && !is_answer).then_some(0)];
    let kept = if is_answer { line } else { &line[..ends.into_iter().flatten().min().unwrap_or(line.len())] };
    (!kept.trim().is_empty()).then(|| kept.trim_end().to_owned())
}

/// What is in the first list and not in the second.
fn missing<'a>(from: &'a [String], there: &[String]) -> Vec<&'a str> {
    let there: BTreeSet<_> = there.iter().collect();
    from.iter().filter(|line| !there.contains(line)).map(String::as_str).collect()
}

/// What to change in the Korean text, a sentence each.
fn differences(english: &str, korean: &str) -> Vec<String> {
    let (english, korean) = (Facts::of(english), Facts::of(korean));
    let mut found = Vec::new();
    let mut say = |what: &str, lines: Vec<&str>| {
        if !lines.is_empty() {
            found.push(format!("{what}:\n  {}", lines.join("\n  ")));
        }
    };
    let lists = |of: &BTreeSet<String>| of.iter().cloned().collect::<Vec<_>>();
    say("these lines of code are missing", missing(&english.code, &korean.code));
    say("these lines of code are too many", missing(&korean.code, &english.code));
    say("these words between backticks are missing", missing(&lists(&english.spans), &lists(&korean.spans)));
    say("these words between backticks are too many", missing(&lists(&korean.spans), &lists(&english.spans)));
    say("these links are missing", missing(&lists(&english.links), &lists(&korean.links)));
    say("these links are too many", missing(&lists(&korean.links), &lists(&english.links)));
    if english.headings != korean.headings {
        found.push(format!("the headings are of the levels {:?}, not {:?}", english.headings, korean.headings));
    }
    if english.rows != korean.rows {
        found.push(format!("the tables have {:?} rows by section, not {:?}", english.rows, korean.rows));
    }
    if found.is_empty() && english.code != korean.code {
        found.push("the lines of code are in another order".to_owned());
    }
    found
}

#[test]
fn the_korean_readme_has_the_commands_settings_and_sections_of_the_english_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let [english, korean] =
        ["README.md", "README.ko.md"].map(|name| fs::read_to_string(root.join(name)).expect("is there"));
    let found = differences(&english, &korean);
    assert!(found.is_empty(), "README.ko.md, compared with README.md:\n{}", found.join("\n"));
    let is_korean = |line: &str| line.chars().any(|character| ('가'..='힣').contains(&character));
    let prose = korean.lines().filter(|line| line.len() > 40 && line.starts_with(|c: char| !c.is_ascii() || c == '*'));
    assert!(prose.filter(|line| is_korean(line)).count() > 100, "it is written in Korean");
}

#[test]
fn what_the_korean_readme_lacks_is_named() {
    let english = "# A\n\n`--x` [b](b.md)\n\n```sh\n$ run it # now\n# {\"a\":1}\n# Then.\n```\n\n## B\n| a |\n";
    let korean = "# 가\n\n`--x` [나](b.md)\n\n```sh\n$ run it # 지금\n# {\"a\":1}\n# 그다음.\n```\n\n## 나\n| 가 |\n";
    assert_eq!(differences(english, korean), [""; 0]);
    let lacks = |from: &str, to: &str| differences(english, &korean.replace(from, to)).join("\n");
    assert!(lacks("$ run it", "$ run").contains("missing:\n  $ run it\n"), "{}", lacks("$ run it", "$ run"));
    assert!(lacks("\"a\":1", "\"a\":2").contains("# {\"a\":1}"));
    assert!(lacks("--x", "--y").contains("missing:\n  --x"));
    assert!(lacks("(b.md)", "(c.md)").contains("missing:\n  b.md"));
    assert!(lacks("## 나", "### 나").contains("levels"));
    assert!(lacks("| 가 |\n", "").contains("rows"));
}
