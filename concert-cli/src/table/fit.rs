//! How wide a table may be, and how it gets as narrow: its cells wrap between words, and where that is not enough, each
//! row becomes a card of its own, one line per column.

use std::io::{self, IsTerminal as _};

use unicode_width::UnicodeWidthStr;

/// The width where there is no terminal to ask, in columns.
const USUAL_WIDTH: usize = 80;
/// Narrower than this nothing is readable.
const NARROWEST: usize = 40;
/// A longer word may be broken anywhere; an id has as many columns, and stays whole.
const LONGEST_WORD: usize = 36;
/// What the frame takes of a column: a border and two spaces. One more border ends the row.
const FRAME: usize = 3;

/// How wide results may be: as the terminal or, without one, as COLUMNS says.
pub fn width() -> usize {
    let terminal = || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
    // Of stdout and not of whichever stream has a terminal: it is stdout that is read.
    let of_terminal = if io::stdout().is_terminal() { terminal() } else { None };
    let named = || std::env::var("COLUMNS").ok()?.parse().ok();
    of_terminal.or_else(named).unwrap_or(USUAL_WIDTH).max(NARROWEST)
}

/// How wide each column becomes, so that the table has at most `width`; `None`: it must become cards. A column has the
/// width of its longest word at least.
pub fn column_widths<'c>(rows: impl Iterator<Item = Vec<&'c str>> + Clone, width: usize) -> Option<Vec<usize>> {
    let (mut least, mut most) = (Vec::new(), Vec::new());
    for row in rows {
        least.resize(row.len(), 0);
        most.resize(row.len(), 0);
        for ((cell, least), most) in row.into_iter().zip(&mut least).zip(&mut most) {
            let word = cell.split_whitespace().map(UnicodeWidthStr::width).max().unwrap_or(0);
            // Longer words are broken, so that one of them does not push all other columns to the edge.
            *least = word.min(LONGEST_WORD).max(*least);
            *most = cell.lines().map(UnicodeWidthStr::width).max().unwrap_or(0).max(*most);
        }
    }
    // Where the frames alone, or the longest words, are too wide, there is no table.
    let room = width.checked_sub(FRAME * most.len() + 1)?;
    let mut left = room.checked_sub(least.iter().sum())?;
    let mut widths = least;
    // One column at a time to the one that has to break the most: cells get about as many lines as each other.
    while left > 0 {
        let by_lines = |column: &(&mut usize, &usize)| column.1 * 1_000 / (*column.0).max(1);
        let wider = widths.iter_mut().zip(&most).filter(|(width, most)| **width < **most).max_by_key(by_lines);
        let Some((width, _)) = wider else { break };
        *width += 1;
        left -= 1;
    }
    Some(widths)
}

/// The text in lines of at most `width` columns, broken between words, and within a word only where it is longer than
/// a line.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    text.split('\n').flat_map(|line| wrap_line(line, width.max(2))).collect()
}

fn wrap_line(line: &str, width: usize) -> Vec<String> {
    if line.width() <= width {
        return vec![line.to_owned()];
    }
    let (mut lines, mut open) = (Vec::new(), String::new());
    for word in line.split(' ') {
        if !open.is_empty() && open.width() + 1 + word.width() > width {
            lines.push(std::mem::take(&mut open));
        } else if !open.is_empty() {
            open.push(' ');
        }
        let mut rest = word;
        // By width and not by count: a Korean letter takes two columns.
        while open.width() + rest.width() > width {
            let end = break_at(rest, width - open.width());
            open.push_str(&rest[..end]);
            lines.push(std::mem::take(&mut open));
            rest = &rest[end..];
        }
        open.push_str(rest);
    }
    if !open.is_empty() || lines.is_empty() {
        lines.push(open);
    }
    lines
}

/// Where a word that is longer than its line is broken: after a comma in the second half of the line, or at its end. At
/// least one character fits: a line has two columns.
fn break_at(word: &str, width: usize) -> usize {
    let (mut end, mut after_comma) = (0, None);
    for (at, letter) in word.char_indices() {
        let used = word[..at + letter.len_utf8()].width();
        if used > width && at > 0 {
            break;
        }
        end = at + letter.len_utf8();
        if letter == ',' && used * 2 > width {
            after_comma = Some(end);
        }
    }
    after_comma.unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_between_words_and_by_the_columns_it_takes() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("one", 7), ["one"]);
        assert_eq!(wrap("", 7), [""]);
        assert_eq!(wrap("a\nb", 7), ["a", "b"]);
        assert_eq!(wrap("서울 아트센터 공연", 9), ["서울", "아트센터", "공연"], "a syllable takes two columns");
        assert_eq!(wrap("아트센터", 5), ["아트", "센터"]);
        assert_eq!(wrap("x abcdefghij", 4), ["x", "abcd", "efgh", "ij"]);
        assert_eq!(wrap(r#"{"a":1,"b":22}"#, 10), [r#"{"a":1,"#, r#""b":22}"#]);
        for width in 2..12 {
            let lines = wrap("서울특별시, 대극장 (2층) 👨‍👩‍👧 abcdefghijklmnop", width);
            assert!(lines.iter().all(|line| line.width() <= width), "{width}: {lines:?}");
        }
    }

    #[test]
    fn columns_share_the_room_and_no_id_is_broken() {
        let id = "350753f5-0040-5c88-b2ad-ebaea9ef7fe4";
        let name = "a name of many words ".repeat(5);
        let row = || [vec![id, name.trim()]].into_iter();
        let widths = column_widths(row(), 80).expect("fits");
        assert_eq!(widths, [36, 80 - 36 - 2 * FRAME - 1]);
        assert_eq!(column_widths([vec![id, "x"]].into_iter(), 80), Some(vec![36, 1]));
        assert_eq!(column_widths([vec![id, id]].into_iter(), 80), Some(vec![36, 36]), "79 columns with the frame");
        assert_eq!(column_widths([vec![id, id, "x"]].into_iter(), 80), None);
    }
}
