//! Pages of lists that grow: newest first, each page beginning after the last object of the one before. What is added
//! meanwhile moves no page.

use crate::error::Error;

/// The most objects on one page.
const LONGEST_PAGE: u32 = 100;
/// How many objects a page has by default.
const USUAL_PAGE: u32 = 20;

/// Which part of a list of things whose ids are `I`. The default is the newest 20.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<I> {
    limit: Option<u32>,
    starting_after: Option<I>,
}

impl<I> Page<I> {
    /// The page of up to `limit` objects (1 to 100; by default 20, or what the list says) that follow `starting_after`, the last object of the
    /// page before.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for another limit.
    pub fn new(limit: Option<u32>, starting_after: Option<I>) -> Result<Self, Error> {
        if let Some(limit) = limit
            && !(1..=LONGEST_PAGE).contains(&limit)
        {
            return Err(Error::invalid(format!("a page has 1 to {LONGEST_PAGE} objects, not {limit}")));
        }
        Ok(Self { limit, starting_after })
    }

    pub(crate) const fn starting_after(&self) -> Option<&I> {
        self.starting_after.as_ref()
    }

    /// How many rows to read: one more than are shown, which tells whether there are more.
    pub(crate) const fn rows(&self) -> u32 {
        self.length() + 1
    }

    /// The same; without a limit of its own it has this one.
    pub(crate) fn or_limit(self, usual: u32) -> Self {
        Self { limit: Some(self.limit.unwrap_or(usual)), ..self }
    }

    const fn length(&self) -> u32 {
        match self.limit {
            Some(limit) => limit,
            None => USUAL_PAGE,
        }
    }

    /// The page that these rows are.
    pub(crate) fn of<T>(&self, mut rows: Vec<T>) -> Paged<T> {
        let has_more = rows.len() > self.length() as usize;
        rows.truncate(self.length() as usize);
        Paged { data: rows, has_more }
    }
}

impl<I> Default for Page<I> {
    fn default() -> Self {
        Self { limit: None, starting_after: None }
    }
}

impl<T> Default for Paged<T> {
    fn default() -> Self {
        Self { data: Vec::new(), has_more: false }
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Paged<T> {
    /// The objects, newest first.
    pub data: Vec<T>,
    /// Whether older ones follow.
    pub has_more: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_one_to_a_hundred_objects() {
        for limit in [0, 101, u32::MAX] {
            assert!(Page::<u8>::new(Some(limit), None).is_err(), "{limit}");
        }
        assert_eq!(Page::<u8>::new(None, None).expect("the usual page"), Page::default());
    }

    #[test]
    fn the_row_past_the_limit_only_says_that_there_are_more() {
        let page = Page::<u8>::new(Some(2), None).expect("in range");
        assert_eq!(page.rows(), 3);
        assert_eq!(page.of(vec![3, 2, 1]), Paged { data: vec![3, 2], has_more: true });
        assert_eq!(page.of(vec![2, 1]), Paged { data: vec![2, 1], has_more: false });
    }
}
