//! The `truthsource` binary.
#![forbid(unsafe_code)]

/// Records, rows and calls are many small allocations that live for moments.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    truthsource::cli::main()
}
