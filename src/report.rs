//! What a run did, as plain data.
