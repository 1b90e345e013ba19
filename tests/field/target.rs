//! Targets as they are in the field: standbys, poolers, roles with settings of their own.
