//! The id of a record that we create, made of its command key: the same for every try.

/// A custom id (version 8) of the key's 128-bit FNV-1a hash. Keys are hashes themselves, and nobody chooses them.
pub(crate) fn guid(command_key: &str) -> String {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let hash = command_key.bytes().fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    let marked = hash & !(0xf << 76) & !(0x3 << 62) | (0x8 << 76) | (0x2 << 62);
    let hex = format!("{marked:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_an_id_and_another_key_another() {
        let id = guid("ts-order-0123456789abcdef01234567");
        assert!(crate::odata::is_guid(&id), "{id}");
        assert_eq!(id, guid("ts-order-0123456789abcdef01234567"));
        assert_eq!(&id[14..15], "8");
        assert_ne!(guid("ts-order-1"), guid("ts-order-2"));
    }
}
