//! The keys of the way to a server, for each side.

use super::{Key, Kind, Text};

pub(super) const SSH: Key = Key::new(
    "ssh",
    Kind::Section(SSH_KEYS),
    "Connects through an SSH host, with the system's ssh: one `ssh -W` for each connection. What is not said here, \
     its own configuration says (~/.ssh/config, the agent, known_hosts). It asks for nothing.",
);

static SSH_KEYS: &[Key] = &[
    Key::new(
        "host",
        Kind::Text(Text::Other("no SSH")),
        "a name, an address, or a Host of ~/.ssh/config",
    ),
    Key::new(
        "user",
        Kind::Text(Text::Other("ssh's own")),
        "the user there",
    ),
    Key::optional_number(
        "port",
        "ssh's own, 22",
        (1, u16::MAX as u64),
        "TCP port of the SSH server",
    ),
    Key::new(
        "identity_file",
        Kind::Text(Text::Other("ssh's own")),
        "private key; one with a passphrase must be in the agent",
    ),
];

pub(super) const SOCKS5: Key = Key::new(
    "socks5",
    Kind::Section(SOCKS5_KEYS),
    "Connects through a SOCKS5 proxy, which resolves the server's name. Not together with ssh.",
);

static SOCKS5_KEYS: &[Key] = &[
    Key::new(
        "host",
        Kind::Text(Text::Other("no proxy")),
        "name or address of the proxy",
    ),
    // RFC 1928, section 3.
    Key::number("port", 1080, (1, u16::MAX as u64), "TCP port of the proxy"),
    Key::new(
        "user",
        Kind::Text(Text::Other("no login")),
        "the user there",
    ),
    Key::new(
        "password",
        Kind::Secret {
            example: "~",
            otherwise: "none",
        },
        "its password, which the proxy gets in the clear",
    ),
];
