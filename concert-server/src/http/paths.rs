//! Which routes a path has, and where its parameters stand.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::routing::Route;

/// A path of the table. Routes of several methods may share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PathId(usize);

/// Finds routes by their path. A literal segment goes before a parameter in the same place.
#[derive(Clone)]
pub(super) struct Paths(Arc<PathTree>);

struct PathTree {
    tree: matchit::Router<PathId>,
    /// By [`PathId`].
    paths: Vec<Path>,
}

/// The routes of one template, and how many bytes of it are before and after its parameters.
struct Path {
    /// Where in the table they stand.
    routes: Vec<usize>,
    before: usize,
    after: usize,
}

impl Paths {
    /// Of a table of routes.
    ///
    /// # Panics
    ///
    /// If two templates differ only in the names of their parameters.
    pub(super) fn new<'a>(routes: impl IntoIterator<Item = &'a Route>) -> Self {
        let mut by_template = BTreeMap::<_, Vec<_>>::new();
        for (nth, route) in routes.into_iter().enumerate() {
            by_template.entry(route.template).or_default().push(nth);
        }
        let mut paths = PathTree { tree: matchit::Router::new(), paths: Vec::new() };
        for (template, routes) in by_template {
            let id = PathId(paths.paths.len());
            paths.tree.insert(template, id).expect("a template with a shape of its own");
            let before = template.find('{').unwrap_or(template.len());
            let after = template.rfind('}').map_or(0, |end| template.len() - end - 1);
            paths.paths.push(Path { routes, before, after });
        }
        Self(Arc::new(paths))
    }

    /// The path of the table that `path` is.
    pub(super) fn find(&self, path: &str) -> Option<PathId> {
        self.0.tree.at(path).ok().map(|found| *found.value)
    }

    /// Where in the table those stand that have the path, all of one template.
    pub(super) fn routes(&self, path: Option<PathId>) -> &[usize] {
        path.map_or(&[], |id| &self.0.paths[id.0].routes)
    }

    /// Where the parameter stands in `path`, which `id` is of; of two both and what stands between; empty if it takes none.
    pub(super) fn parameter(&self, id: Option<PathId>, path: &str) -> Range<usize> {
        let Some(Path { before, after, .. }) = id.map(|id| &self.0.paths[id.0]) else { return 0..0 };
        *before..path.len() - after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Route =
        Route { method: "GET", template: "/api/v1/tokens/{userId}", for_operators: false, vital: false };
    const SEATS: Route = Route { template: "/r/{concertId}/seats", ..LOOK };

    #[test]
    fn a_parameter_is_one_whole_segment() {
        const EXPORT: Route = Route { template: "/c/{concertId}/export/{kind}", ..LOOK };
        const LIST: Route = Route { template: "/c", ..LOOK };
        let paths = Paths::new(&[LOOK, SEATS, EXPORT, LIST]);
        let found = |path: &'static str| paths.find(path).map(|id| &path[paths.parameter(Some(id), path)]);
        assert_eq!(found("/api/v1/tokens/7"), Some("7"));
        assert_eq!(found("/r/%2F..%00/seats"), Some("%2F..%00"));
        assert_eq!(found("/c/7/export/seats"), Some("7/export/seats"));
        assert_eq!(found("/c"), Some(""));
        for path in ["/c/7/export/", "/c//export/seats", "/c/7/8/export/seats", "/c/7/export/a/b", "/c/7/exports/a"] {
            assert_eq!(found(path), None, "{path}");
        }
        for path in ["", "/", "/api/v1/tokens", "/api/v1/tokens/", "/api/v1/tokens/7/", "//api/v1/tokens/7", "*"] {
            assert_eq!(found(path), None, "{path}");
        }
    }

    #[test]
    fn a_literal_path_is_no_parameter_of_another_route_whatever_the_order_and_the_method() {
        const PAY: Route = Route { method: "POST", template: "/payments/process", ..LOOK };
        const PAYMENT: Route = Route { template: "/payments/{paymentId}", ..LOOK };
        for table in [[PAY, PAYMENT], [PAYMENT, PAY]] {
            let paths = Paths::new(&table);
            let methods =
                |path| paths.routes(paths.find(path)).iter().map(|nth| table[*nth].method).collect::<Vec<_>>();
            assert_eq!(methods("/payments/process"), ["POST"]);
            assert_eq!(methods("/payments/7"), ["GET"]);
            assert!(methods("/payments").is_empty());
        }
    }
}
