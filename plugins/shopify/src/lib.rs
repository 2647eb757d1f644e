//! A TruthSource component.
