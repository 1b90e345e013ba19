//! What a login cannot see, or the tool does not make, is said.
