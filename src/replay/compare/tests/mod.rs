//! What the comparison says of servers that are known.

mod judging;
mod promises;
mod recordings;
mod requests;
mod simulation;
mod testing;
