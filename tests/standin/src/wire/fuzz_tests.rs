//! Damaged requests: every parser answers with an error, none with a panic.

use crate::prng::SplitMix64;
use crate::wire::login7::Login7;
use crate::wire::prelogin::PreLogin;
use crate::wire::transaction::Transaction;
use crate::wire::{packet, request, rpc};

const ROUNDS: usize = 20_000;

/// An RPC with a parameter of most kinds, behind empty headers.
fn seed() -> Vec<u8> {
    let mut bytes = vec![4, 0, 0, 0, 0xFF, 0xFF, 10, 0, 0, 0];
    let parameters: [&[u8]; 8] = [
        &[0xE7, 10, 0, 9, 4, 0xD0, 0, 0x34, 2, 0, b'a', 0],
        &[
            0xA7, 0xFF, 0xFF, 9, 4, 0xD0, 0, 0x34, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, b'x', 0, 0,
            0, 0,
        ],
        &[0x26, 4, 4, 1, 0, 0, 0],
        &[0x6C, 9, 10, 2, 5, 1, 1, 0, 0, 0],
        &[0x2B, 7, 10, 1, 0, 0, 0, 0, 2, 0, 0, 0x4A, 0x01],
        &[0x62, 0x49, 0x1F, 0, 0, 6, 0, 0, 0, 0x38, 0, 5, 0, 0, 0],
        &[
            0xF1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, b'x', 0, 0, 0, 0, 0,
        ],
        &[
            0x63, 0xFF, 0xFF, 0xFF, 0x7F, 9, 4, 0xD0, 0, 0x34, 2, 0, 0, 0, b'a', 0,
        ],
    ];
    for parameter in parameters {
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(parameter);
    }
    bytes
}

#[test]
fn the_seed_is_a_good_request() {
    assert_eq!(rpc::parse(&seed()).unwrap()[0].arguments.len(), 8);
}

#[test]
fn no_parser_panics() {
    let seed = seed();
    let mut random = SplitMix64::new(2);
    for _ in 0..ROUNDS {
        let mut bytes = seed.clone();
        if random.chance(3) {
            bytes.truncate(random.below(bytes.len() as u64 + 1) as usize);
        }
        for _ in 0..1 + random.below(6) {
            if let Some(byte) = bytes.get_mut(random.below(seed.len() as u64) as usize) {
                *byte = if random.chance(2) {
                    random.next_u64() as u8
                } else {
                    0xFF
                };
            }
        }
        // Errors are what is expected; that there is no panic is the test.
        let _ = rpc::parse(&bytes);
        let _ = request::batch_text(&bytes);
        let _ = Transaction::parse(&bytes);
        let _ = PreLogin::parse(&bytes);
        let _ = packet::read_message(&mut bytes.as_slice());
        let mut login = [&[0; 4], bytes.as_slice(), bytes.as_slice()].concat();
        let length = (login.len() as u32).to_le_bytes();
        login[..4].copy_from_slice(&length);
        let _ = Login7::parse(&login);
    }
}
