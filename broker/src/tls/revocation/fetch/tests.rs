//! Where lists may come from.
