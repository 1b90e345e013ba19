//! Cut points: cheap to find, whatever the key, and never the cause of a lost row.
