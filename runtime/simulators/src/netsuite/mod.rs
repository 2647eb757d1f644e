//! NetSuite: SuiteTalk REST records and SuiteQL.
