//! The `truthsource` binary.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    truthsource::cli::main()
}
