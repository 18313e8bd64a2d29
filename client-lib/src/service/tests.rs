//! Calls shared, renewals timed, outages survived. Time is paused; both clocks move by hand.

mod denial;
mod flights;
mod rejection;
mod renewal;
