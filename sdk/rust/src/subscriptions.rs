//! What the author of a connector implements besides [`Connector`](crate::Connector) where the system can be asked to
//! tell of changes.

use crate::{Context, Fault, Host};

/// Where deliveries are to go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// The connection's address at the host.
    pub url: String,
    /// Stands for the webhook secret in the body of a request: the host puts the secret in its place. Letters and digits,
    /// so that no quoting changes it.
    pub secret_mark: String,
}

/// How things stand after [`Subscriptions::ensure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// It is to be called again before this moment, milliseconds since 1970 by the host's clock; `None`: what there is
    /// stays until somebody removes it.
    pub renew_by_ms: Option<u64>,
    /// Something was missing, had ended or was inactive, so changes may have gone untold: the host pulls every kind.
    pub gap: bool,
}

/// Has a system tell of changes.
pub trait Subscriptions {
    /// Makes the system tell of every kind that it can tell of: makes what is missing, renews what ends soon, mends what
    /// is inactive. Touches nobody else's. Repeating it changes nothing more.
    ///
    /// # Errors
    /// When the system does not take them, or could not be asked.
    fn ensure(host: &dyn Host, ctx: &Context, target: &Target) -> Result<Standing, Fault>;

    /// Removes what `ensure` made.
    ///
    /// # Errors
    /// When something of it may still be there.
    fn remove(host: &dyn Host, ctx: &Context, target: &Target) -> Result<(), Fault>;
}
