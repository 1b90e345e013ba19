//! Target names: folding, shortening, quoting.
