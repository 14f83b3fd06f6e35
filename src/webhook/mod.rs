//! Who outside is told when something happens, signed as Standard Webhooks
//! (<https://www.standardwebhooks.com>), and whether they heard.
//!
//! | file | owns |
//! |---|---|
//! | `settings` | whom an operator names, and what for |
//! | `sign` | secrets and signatures |
//! | `event` | what is told |
//! | `client` | one request to one receiver |
//! | `courier` | a queue for each receiver, and trying again |
//! | `ledger` | the latest deliveries |
//!
//! Must not know: what events mean, pages, configuration files. No secret is in any text.

mod client;
mod courier;
mod event;
mod ledger;
mod settings;
mod sign;

pub use courier::{Couriers, TestError, Webhooks};
pub use event::{Event, EventKind};
pub use ledger::{Delivery, DeliveryState};
pub use settings::{WebhookSettings, WebhookUrl};
pub use sign::SigningKey;
