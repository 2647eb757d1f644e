//! The manifest that travels inside a component.

/// Embeds a manifest (TOML) as the custom section `truthsource:manifest`, so that the component's digest covers it.
///
/// The path is relative to the file that calls the macro.
#[macro_export]
macro_rules! manifest {
    ($path:literal) => {
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code)]
        mod truthsource_manifest {
            #[used]
            #[unsafe(link_section = "truthsource:manifest")]
            static SECTION: [u8; include_bytes!($path).len()] = *include_bytes!($path);
        }
    };
}
