//! What a component may reach outside its sandbox, one file each: the trait it needs, the grant it checks, its limits.

pub mod http;
pub mod kv;
pub mod log;

#[cfg(test)]
mod tests;
