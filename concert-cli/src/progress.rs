//! Progress bars, for what may take longer than a second.

use concert_core::texts::Language;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::texts::locale;

/// A bar on stderr, if that is a terminal. Dropped, it disappears.
pub fn bar(length: u64) -> ProgressBar {
    let template = match locale().language {
        Language::English => "{msg} {wide_bar} {human_pos} of {human_len}, {eta} left",
        Language::Korean => "{msg} {wide_bar} {human_len} 중 {human_pos}, 남은 시간 {eta}",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr()).with_style(style)
}
