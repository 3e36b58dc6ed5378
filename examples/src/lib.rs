//! Only `[[example]]` targets live here.
