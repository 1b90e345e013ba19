//! Connecting to servers as they are configured in the field: packets, TLS, certificates, addresses.
