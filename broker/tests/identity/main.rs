//! Who is asking, by certificate: profiles, carriers, project users, and what the audit log says of them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bound;
mod carriers;
mod departures;
mod issuers;
mod library;
mod mapped;
mod profiles;
mod services;
mod tenants;
mod world;
