//! Calls shared, renewals timed, outages survived. Time is paused; both clocks move by hand.

mod flights;
mod rejection;
mod renewal;
