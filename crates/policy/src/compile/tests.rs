//! What is refused at load, and why.
