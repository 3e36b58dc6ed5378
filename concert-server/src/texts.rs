//! What the server says to people, in their language: `Texts::new(language)` has a method for each text of the catalogues
//! `pages/texts/en.ftl` and `ko.ftl`.

use warp::http::header::ACCEPT_LANGUAGE;
use warp::http::{HeaderMap, HeaderValue};

/// The texts that the build made of the catalogues.
mod made {
    include!(concat!(env!("OUT_DIR"), "/texts.rs"));
    include!(concat!(env!("OUT_DIR"), "/help.rs"));
}

use concert_core::texts::{Language, Said};
use concert_settings::HelpTexts;

pub(crate) use self::made::Texts;

/// The sentences of this crate that are made in English where they arise.
pub(crate) const SAID: Said = Said(made::SAID);
/// The Korean of the help of the command line; the English stands beside the options.
pub(crate) const HELP: HelpTexts = HelpTexts(made::HELP);

impl Texts {
    /// The language that the client prefers.
    pub(crate) fn language(headers: &HeaderMap) -> Language {
        Self::language_of(headers.get_all(ACCEPT_LANGUAGE))
    }

    /// The same, of the values of `Accept-Language`. More than one are one list (RFC 9110, section 5.3).
    pub(crate) fn language_of<'a>(fields: impl IntoIterator<Item = &'a HeaderValue>) -> Language {
        let mut fields = fields.into_iter().filter_map(|field| field.to_str().ok());
        match (fields.next(), fields.next()) {
            (None, _) => Language::default(),
            (Some(field), None) => Language::from_accept_language(field),
            (Some(first), Some(second)) => {
                let all: Vec<_> = [first, second].into_iter().chain(fields).collect();
                Language::from_accept_language(&all.join(","))
            }
        }
    }
}
