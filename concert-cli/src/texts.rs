//! What the tool says to people, in their language: `Texts::new(language)` has a method for each text of the catalogues.

include!(concat!(env!("OUT_DIR"), "/texts.rs"));

/// The texts in the language of the environment: `LC_ALL`, `LC_MESSAGES`, `LANG`.
pub fn texts() -> Texts {
    static LANGUAGE: std::sync::LazyLock<Language> =
        std::sync::LazyLock::new(|| Language::from_environment(|name| std::env::var(name).ok()));
    Texts::new(*LANGUAGE)
}
