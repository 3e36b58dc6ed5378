//! Which form of an answer a client asks for: one rule for all routes that have several.

use warp::http::HeaderMap;
use warp::http::header::ACCEPT;

/// The form that the client names and likes best, of equal ones the first that it names; where it names none, the first of
/// `forms`. A form is named by its whole type: no wildcard names one, so whoever takes anything gets no stream.
pub(super) fn choose<F: Copy>(asked: &HeaderMap, forms: &[(&str, F)]) -> F {
    let mut best: Option<(f32, F)> = None;
    for (name, weight) in named(asked) {
        let form = forms.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
        if let Some((_, form)) = form
            && weight > best.map_or(0.0, |(weight, _)| weight)
        {
            best = Some((weight, *form));
        }
    }
    best.map_or(forms[0].1, |(_, form)| form)
}

/// Whether the client names this type.
pub(super) fn names(asked: &HeaderMap, wanted: &str) -> bool {
    named(asked).any(|(name, weight)| weight > 0.0 && name.eq_ignore_ascii_case(wanted))
}

/// What `Accept` says: types, and how much each is liked (RFC 9110, 12.5.1).
fn named(asked: &HeaderMap) -> impl Iterator<Item = (&str, f32)> {
    let lines = asked.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|parameter| parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q=")));
        (name, weight.map_or(1.0, |weight| weight.trim().parse().unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use warp::http::HeaderValue;

    use super::*;

    fn sent(accept: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))])
    }

    #[test]
    fn a_form_is_sent_to_who_names_it_and_the_first_one_to_all_others() {
        let chosen = |accept| choose(&sent(accept), &[("application/json", 'j'), ("text/event-stream", 's')]);
        for accept in ["text/event-stream", "Text/Event-Stream", "*/*, text/event-stream;q=0.1"] {
            assert_eq!(chosen(accept), 's', "{accept}");
        }
        for accept in ["*/*", "text/*", "text/html", "", "nonsense", "text/event-stream;q=0", "text/event-stream;q=x"] {
            assert_eq!(chosen(accept), 'j', "{accept}");
        }
        assert_eq!(choose(&HeaderMap::new(), &[("a/b", 1), ("c/d", 2)]), 1);
    }

    #[test]
    fn of_several_the_one_is_sent_that_is_liked_best() {
        let chosen = |accept| choose(&sent(accept), &[("a/b", 'b'), ("c/d", 'd'), ("e/f", 'f')]);
        assert_eq!(chosen("c/d, e/f"), 'd', "the first of equals");
        assert_eq!(chosen("c/d;q=0.3, e/f;level=1; Q=0.4, a/b;q=0.1"), 'f');
    }

    #[test]
    fn no_wildcard_names_a_type() {
        assert!(names(&sent("text/html,application/xml;q=0.9,*/*;q=0.8"), "text/html"));
        for accept in ["*/*", "text/*", "text/html;q=0", "application/json"] {
            assert!(!names(&sent(accept), "text/html"), "{accept}");
        }
    }
}
