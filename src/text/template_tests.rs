//! The constructs of real templates.
