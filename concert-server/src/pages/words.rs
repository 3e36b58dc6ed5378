//! The language of a page: the one that somebody has chosen here, else the one that the browser prefers.

use concert_core::texts::Language;
use warp::http::HeaderMap;

use super::session;
use crate::texts::Texts;

pub(super) fn language(headers: &HeaderMap) -> Language {
    // A choice counts more than the browser, which on a borrowed machine speaks the owner's language.
    let chosen = session::cookie(headers, session::LANGUAGE).and_then(Language::from_tag);
    chosen.unwrap_or_else(|| Texts::language(headers))
}

/// The other language, and its name in itself.
pub(super) const fn other(language: Language) -> (Language, &'static str) {
    match language {
        Language::English => (Language::Korean, "한국어"),
        Language::Korean => (Language::English, "English"),
    }
}
