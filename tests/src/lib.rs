//! Support for the integration tests; the tests are in `it/`.
