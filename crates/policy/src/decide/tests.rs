//! What decisions come out as.

mod ends;
mod operations;
mod parts;
mod places;
mod subjects;
