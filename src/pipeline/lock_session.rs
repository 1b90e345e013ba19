//! The session whose lock says that this process has its place in a run, for short questions too.

use std::sync::{Arc, Mutex};

use crate::mutex::lock;
use crate::postgres::connect::Session;

/// The session of the job lock, or of a member's; none while it is lost. The connections of the pool may
/// all be in use, for as long as their partitions take.
#[derive(Default)]
pub struct LockSession(Mutex<Option<Arc<Session>>>);

impl LockSession {
    /// Replaces the session.
    pub fn set(&self, session: Option<Arc<Session>>) {
        *lock(&self.0) = session;
    }

    /// The session now.
    pub fn get(&self) -> Option<Arc<Session>> {
        lock(&self.0).clone()
    }
}
