//! What decisions come out as.
