mod bounds;
mod eval;
mod filter;
mod options;
mod path;
