//! One step of the exchange of tokens.

/// What one end made of the other end's token.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// To be sent to the other end; empty if there is nothing to say.
    pub token: Vec<u8>,
    /// Both ends know each other: no token is expected any more.
    pub done: bool,
}
