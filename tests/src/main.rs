//! The server under test, as a program that tests start and kill.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    truthsource::cli::main()
}
